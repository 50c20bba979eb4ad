"""Actions on several files of a collection at once: download, move, delete, restore."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.documents.library import trash
from apps.documents.models import Chunk, Collection, Document, Membership
from apps.documents.tasks import empty_trash
from apps.users.models import User
from tests.factories import get_page, make_client, make_collection, upload_file

S = Document.Status


@pytest.fixture
def rows(collection: Collection) -> list[Document]:
    made = [upload_file(collection, name, name.encode()) for name in ("a.txt", "b.txt", "c.txt")]
    Document.objects.update(status=S.READY, kind="text")
    return made


def change(client: Client, where: Collection, do: str, *rows: Document, query: str = "", **more: str):
    form = {"do": do, "id": [str(row.pk) for row in rows], **more}
    return client.post(f"/collections/{where.pk}/files/{query}", form, follow=do != "download")


def list_names(collection: Collection) -> list[str]:
    return sorted(collection.documents.values_list("name", flat=True))


def test_deleted_files_are_gone_and_restored_by_undo(
    alice_client: Client, collection: Collection, rows: list[Document]
) -> None:
    page = change(alice_client, collection, "delete", *rows[:2]).content.decode()
    assert "2 files deleted." in page and list_names(collection) == ["c.txt"]
    assert alice_client.get(f"/documents/{rows[0].pk}/").status_code == 404
    undo = trash.list_deleted(collection.owner, collection).values_list("deleted", flat=True).first()
    assert undo is not None
    query = "?at=" + undo.isoformat().replace("+", "%2B")
    assert "2 files restored." in change(alice_client, collection, "restore", query=query).content.decode()
    assert list_names(collection) == ["a.txt", "b.txt", "c.txt"]
    assert alice_client.get(f"/documents/{rows[0].pk}/").status_code == 200


def test_deleted_files_are_listed_and_restored_one_by_one(
    alice_client: Client, alice: User, collection: Collection, rows: list[Document]
) -> None:
    change(alice_client, collection, "delete", *rows)
    shown = get_page(alice, f"/collections/{collection.pk}/?show=deleted")
    assert all(row.name in shown for row in rows)
    change(alice_client, collection, "restore", rows[2])
    assert list_names(collection) == ["c.txt"]


def test_passages_of_a_deleted_file_are_not_searched(
    alice_client: Client, alice: User, collection: Collection, rows: list[Document]
) -> None:
    chunk = Chunk.objects.create(
        document=rows[0], position=0, page_number=1, char_start=0, char_end=5, text="a.txt", tokens=1
    )
    assert Chunk.objects.visible_to(alice).filter(pk=chunk.pk).exists()
    change(alice_client, collection, "delete", rows[0])
    assert not Chunk.objects.visible_to(alice).filter(pk=chunk.pk).exists()
    assert Chunk.objects.filter(pk=chunk.pk).exists()


def test_a_file_being_read_is_cancelled_and_loses_its_lease(
    alice_client: Client, collection: Collection, rows: list[Document]
) -> None:
    Document.objects.filter(pk=rows[0].pk).update(status=S.WORKING, lease_token="held")
    change(alice_client, collection, "delete", rows[0])
    row = Document.all_objects.get(pk=rows[0].pk)
    assert (row.status, row.lease_token) == (S.CANCELLED, "") and row.deleted is not None


def test_deleted_files_are_removed_for_good_after_an_hour(
    alice_client: Client, collection: Collection, rows: list[Document]
) -> None:
    change(alice_client, collection, "delete", *rows[:2])
    empty_trash()
    assert Document.all_objects.count() == 3
    late = timezone.now() - trash.UNDELETE_PERIOD - timedelta(seconds=1)
    Document.all_objects.filter(pk=rows[0].pk).update(deleted=late)
    assert "too late" in change(alice_client, collection, "restore", rows[0]).content.decode()
    stored = Path(settings.MEDIA_ROOT) / str(rows[0].file)
    assert stored.exists()
    empty_trash()
    assert Document.all_objects.count() == 2


def test_content_that_was_uploaded_again_is_not_restored(
    alice_client: Client, collection: Collection, rows: list[Document]
) -> None:
    change(alice_client, collection, "delete", rows[0])
    upload_file(collection, "a.txt", b"a.txt")
    assert "Already in" in change(alice_client, collection, "restore", rows[0]).content.decode()
    assert list_names(collection) == ["a.txt", "b.txt", "c.txt"]


def test_several_files_come_as_one_archive(alice_client: Client, collection: Collection, rows: list[Document]) -> None:
    Document.objects.filter(pk=rows[1].pk).update(name="a.txt")
    response = change(alice_client, collection, "download", *rows)
    content = b"".join(response.streaming_content)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert sorted(archive.namelist()) == ["a (2).txt", "a.txt", "c.txt"]
    assert archive.read("c.txt") == b"c.txt"
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.zip"))


def test_several_files_move_and_those_that_cannot_say_so(
    alice_client: Client, alice: User, collection: Collection, rows: list[Document]
) -> None:
    target = make_collection(alice, "Archive")
    Document.objects.filter(pk=rows[2].pk).update(status=S.FAILED)
    page = change(alice_client, collection, "move", *rows, collection=str(target.pk), name="x").content.decode()
    assert "2 files moved to “Archive”." in page and "1 file stays here" in page
    assert list_names(target) == ["a.txt", "b.txt"] and list_names(collection) == ["c.txt"]


@pytest.mark.parametrize("do", ["delete", "restore", "move"])
def test_a_reader_only_downloads(bob: User, collection: Collection, rows: list[Document], do: str) -> None:
    Membership.objects.create(collection=collection, user=bob)
    client = make_client(bob)
    assert change(client, collection, do, *rows).status_code == 404
    assert list_names(collection) == ["a.txt", "b.txt", "c.txt"]
    assert change(client, collection, "download", *rows).status_code == 200


def test_files_of_another_collection_stay(alice_client: Client, alice: User, rows: list[Document]) -> None:
    change(alice_client, make_collection(alice, "Other"), "delete", *rows)
    assert Document.objects.count() == 3
