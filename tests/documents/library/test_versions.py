"""A new version takes the place of the old one in one moment; what was cited can still be read as it was cited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live
from django.test import Client

from apps.conversations import tasks as conversations_tasks
from apps.conversations.models import Conversation, Source
from apps.documents.ingestion import publishing
from apps.documents.ingestion.pipeline import ingest
from apps.documents.ingestion.worker import remove_orphans as sweep_files
from apps.documents.library import folder_sync, versions
from apps.documents.library.deletion import remove_document
from apps.documents.library.uploads import UploadRefused
from apps.documents.library.web_pages import queue_web_page
from apps.documents.models import Chunk, Collection, Document, Page
from apps.documents.retrieval import search
from apps.users.models import User
from tests.factories import ingest_file
from tests.safety.web_server import Site

pytestmark = pytest.mark.django_db(transaction=True)
assert conversations_tasks


def ingest_version(collection: Collection, words: str, path: str = "") -> Document:
    return ingest_file(collection, "leave.txt", words, path=path)


def list_chunk_texts(document: Document) -> list[str]:
    return [chunk.text for chunk in Chunk.objects.searchable().filter(document=document)]


def reload(document: Document) -> Document:
    return Document.objects.get(pk=document.pk)


def test_a_file_of_the_same_name_and_folder_is_a_new_version(alice: User, collection: Collection) -> None:
    first = ingest_version(collection, "Twenty days of leave.", path="staff")
    Document.objects.filter(pk=first.pk).update(title="Holidays")
    other = ingest_version(collection, "Something else.", path="board")
    second = ingest_version(collection, "Thirty days of leave.", path="staff")
    found = reload(first)
    assert (found.version, found.title, found.status, found.path) == (2, "Holidays", "ready", "staff")
    assert list_chunk_texts(found) == ["Thirty days of leave."] and reload(other).version == 1
    assert set(collection.documents.all()) == {found, other}
    earlier = Document.all_objects.get(pk=second.pk)
    assert (earlier.status, earlier.version, earlier.replaces, str(earlier)) == (
        "replaced", 1, found, "Holidays (version 1)",
    )  # fmt: skip
    assert Page.objects.get(document=earlier).text == "Twenty days of leave." and list_chunk_texts(earlier) == []
    assert Path(found.file.path).read_text() == "Thirty days of leave."
    assert Path(earlier.file.path).read_text() == "Twenty days of leave."


def test_the_old_version_is_searched_until_the_new_one_is_ready(
    alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ingest_version(collection, "Twenty days of leave.")
    seen: list[Any] = []

    def watched(waiting: Document) -> None:
        seen.append(list_chunk_texts(first))
        versions.promote_version(waiting)
        seen.append(list_chunk_texts(first))

    monkeypatch.setattr(publishing, "promote_version", watched)
    ingest_version(collection, "Thirty days of leave.")
    assert seen == [["Twenty days of leave."], ["Thirty days of leave."]]


def test_a_new_version_that_cannot_be_read_leaves_the_old_one(alice: User, collection: Collection) -> None:
    first = ingest_version(collection, "Twenty days of leave.")
    bad = ingest_version(collection, "\x7fELF" + "\x00" * 100)
    assert (reload(first).version, list_chunk_texts(first)) == (1, ["Twenty days of leave."])
    assert Document.objects.get(pk=bad.pk).status == "failed"
    ingest_version(collection, "Thirty days of leave.")  # what failed makes room
    assert reload(first).version == 2 and not Document.objects.filter(pk=bad.pk).exists()


def test_a_crash_while_it_takes_over_changes_nothing(
    alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ingest_version(collection, "Twenty days of leave.")

    def breaks(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(versions, "version_hooks", [breaks])
        waiting = ingest_version(collection, "Thirty days of leave.")
    assert (reload(first).version, list_chunk_texts(first)) == (1, ["Twenty days of leave."])
    assert Page.objects.get(document=first).text == "Twenty days of leave."
    Document.objects.filter(pk=waiting.pk).update(lease_until=None)
    ingest(waiting.pk)
    assert (reload(first).version, list_chunk_texts(first)) == (2, ["Thirty days of leave."])


def test_an_old_answer_shows_what_it_cited(alice: User, collection: Collection) -> None:
    first = ingest_version(collection, "Twenty days of leave.")
    conversation = Conversation.objects.create(owner=alice)
    source = Source.objects.create(conversation=conversation, number=1, document=first, page_number=1, spans=[[0, 6]])
    ingest_version(collection, "Thirty days of leave.")
    source.refresh_from_db()
    assert source.document_id is not None and source.document_id != first.pk
    assert search.read_spans(alice, [(source.document_id, 1, [[0, 6]])]) == ["Twenty"]
    assert search.read_spans(alice, [(first.pk, 1, [[0, 6]])]) == ["Thirty"]


def test_passage_switched_off_stays_off_in_a_new_version(alice: User, collection: Collection) -> None:
    first = ingest_version(collection, "Twenty days of leave.")
    first.chunks.update(enabled=False)
    ingest_version(collection, "Twenty  days of leave.")
    assert reload(first).version == 2 and list_chunk_texts(first) == []


def test_deleting_takes_every_version_and_its_file(alice: User, collection: Collection) -> None:
    before = set((Path(live.MEDIA_ROOT) / "documents").glob("*"))
    first = ingest_version(collection, "One.")
    ingest_version(collection, "Two.")
    ingest_version(collection, "Three.")
    kept = set((Path(live.MEDIA_ROOT) / "documents").glob("*")) - before
    assert len(kept) == 3 and reload(first).version == 3
    sweep_files()
    assert all(path.is_file() for path in kept)
    remove_document(reload(first))
    assert not any(path.exists() for path in kept) and not Document.all_objects.exists()


def test_earlier_versions_are_kept_up_to_a_limit(
    alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MAX_EARLIER_VERSIONS", 2)
    first = ingest_version(collection, "Number 0.")
    for n in range(1, 5):
        ingest_version(collection, f"Number {n}.")
    assert sorted(Document.all_objects.filter(replaces=first).values_list("version", flat=True)) == [3, 4]
    assert reload(first).version == 5


def test_the_same_content_is_no_new_version_and_an_earlier_one_can_come_back(
    alice: User, collection: Collection
) -> None:
    first = ingest_version(collection, "Twenty days.")
    with pytest.raises(UploadRefused, match="Already in Library"):
        ingest_version(collection, "Twenty days.")
    ingest_version(collection, "Thirty days.")
    ingest_version(collection, "Twenty days.")
    assert (reload(first).version, list_chunk_texts(first)) == (3, ["Twenty days."])


def test_a_page_is_fetched_again_as_a_new_version_only_where_it_changed(
    website: Site, alice: User, collection: Collection, alice_client: Client
) -> None:
    row = queue_web_page(
        alice, collection, website.page("/a", b"<html><body><p>Twenty days of leave.</p></body></html>")
    )
    ingest(row.pk)
    day = reload(row).fetched
    assert alice_client.post(f"/documents/{row.pk}/fetch/").status_code == 302
    ingest(Document.objects.get(replaces=row).pk)
    assert reload(row).version == 1 and reload(row).fetched > day  # type: ignore[operator]
    assert Document.all_objects.count() == 1
    website.page("/a", b"<html><body><p>Thirty days of leave.</p></body></html>")
    alice_client.post(f"/documents/{row.pk}/fetch/")
    ingest(Document.objects.get(replaces=row).pk)
    assert (reload(row).version, list_chunk_texts(row)) == (2, ["Thirty days of leave."])
    page = alice_client.get(f"/documents/{row.pk}/").content.decode()
    earlier = Document.all_objects.get(replaces=row)
    assert "Version 2" in page and f"/documents/{earlier.pk}/" in page
    old = alice_client.get(f"/documents/{earlier.pk}/").content.decode()
    assert "Twenty days of leave." in old and "an earlier version" in old and f"/documents/{row.pk}/" in old


def test_a_changed_file_of_a_synced_folder_is_a_new_version(
    alice: User, collection: Collection, settings: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "served" / "papers"
    folder.mkdir(parents=True)
    settings.SYNC_DIR = str(tmp_path / "served")
    (folder / "a.txt").write_text("Twenty days of leave.")
    list(folder_sync.apply_sync(alice, collection, "papers"))
    first = collection.documents.get()
    ingest(first.pk)
    (folder / "a.txt").write_text("Thirty days of leave, since this year.")
    assert [item.path for item in folder_sync.preview_sync(collection, "papers").changed] == ["papers/a.txt"]
    list(folder_sync.apply_sync(alice, collection, "papers"))
    again = folder_sync.preview_sync(collection, "papers")
    assert again.count == 0  # while it waits
    ingest(Document.objects.get(replaces=first).pk)
    assert (reload(first).version, list_chunk_texts(first)) == (2, ["Thirty days of leave, since this year."])
    assert folder_sync.preview_sync(collection, "papers").count == 0


def test_a_version_is_searched_as_the_document_it_is_of(
    alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ingest_version(collection, "Twenty days of leave.")
    written: list[str] = []
    real = publishing.registry.get_index().write

    def write(path: str, entries: Any, *more: Any) -> Any:
        written.extend(entry.document for entry in entries)
        return real(path, entries, *more)

    monkeypatch.setattr(publishing.registry.get_index(), "write", write)
    ingest_version(collection, "Thirty days of leave.")
    assert set(written) == {first.pk.hex}


def test_gate_flags_of_a_new_version_belong_to_the_document(
    alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    flagged: list[Document] = []
    monkeypatch.setattr(publishing.review, "flag_document", lambda document, _: flagged.append(document))
    first = ingest_version(collection, "Twenty days of leave.")
    ingest_version(collection, "Thirty days of leave.")
    assert flagged == [first, first]
