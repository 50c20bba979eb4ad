"""A folder of the server is compared first and applied when it was seen; nothing outside of it is opened."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as live
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from apps.documents.library import folder_sync
from apps.documents.library.folder_diff import FolderFile, KnownDocument, compare_folder
from apps.documents.library.folder_sync import (
    SyncRefused,
    apply_sync,
    list_folders,
    preview_sync,
    request_sync,
    run_sync,
)
from apps.documents.library.uploads import store_file, store_upload
from apps.documents.models import Collection, Document, FolderSync, Membership, Role
from apps.users.models import User
from tests.documents.library.conftest import list_paths, sync

pytestmark = pytest.mark.django_db(transaction=True)


def test_folder_sync_adds_files_with_their_paths_and_removes_missing_ones(
    served_folder: Path, collection: Collection
) -> None:
    diff = preview_sync(collection, "contracts")
    assert [item.path for item in diff.added] == ["contracts/2026/b.md", "contracts/a.txt"]
    assert not collection.documents.exists()  # only looked at
    assert sync(collection) == []
    assert list_paths(collection) == ["contracts/2026/b.md", "contracts/a.txt"]
    again = preview_sync(collection, "contracts")
    assert (again.count, again.unchanged) == (0, 2)
    (served_folder / "contracts" / "a.txt").unlink()
    assert [item.path for item in preview_sync(collection, "contracts").removed] == ["contracts/a.txt"]
    assert sync(collection) == [] and list_paths(collection) == ["contracts/2026/b.md"]


def test_a_file_that_was_only_touched_is_unchanged_and_one_of_other_content_is_not(
    served_folder: Path, collection: Collection
) -> None:
    sync(collection)
    os.utime(served_folder / "contracts" / "a.txt", (1, 1))
    assert preview_sync(collection, "contracts").unchanged == 2
    (served_folder / "contracts" / "a.txt").write_text("Third.")  # as long as before
    os.utime(served_folder / "contracts" / "a.txt", (2, 2))
    assert [item.path for item in preview_sync(collection, "contracts").changed] == ["contracts/a.txt"]


def test_documents_of_other_sources_are_left_alone(served_folder: Path, alice: User, collection: Collection) -> None:
    store_upload(alice, collection, SimpleUploadedFile("mine.txt", b"Mine."), "contracts")
    store_upload(alice, collection, SimpleUploadedFile("same.txt", b"First."))
    sync(collection, "other")
    problems = sync(collection)
    assert problems[0][0] == "contracts/a.txt" and "Already in Library as same.txt" in problems[0][1]
    assert list_paths(collection) == ["/same.txt", "contracts/2026/b.md", "contracts/mine.txt"]
    shutil.rmtree(served_folder / "contracts")
    (served_folder / "contracts").mkdir()
    assert not any(apply_sync(None, collection, "contracts", 1)) and list_paths(collection) == [
        "/same.txt",
        "contracts/mine.txt",
    ]


def test_links_and_hidden_files_are_not_followed(served_folder: Path, collection: Collection, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.txt").write_text("Secret.")
    (served_folder / "contracts" / "link.txt").symlink_to(secret / "key.txt")
    (served_folder / "contracts" / "folder").symlink_to(secret)
    (served_folder / "away").symlink_to(secret)
    (served_folder / "contracts" / ".hidden.txt").write_text("Hidden.")
    os.mkfifo(served_folder / "contracts" / "pipe.txt")
    assert list_folders() == [".", "contracts", "other"]
    assert len(preview_sync(collection, "contracts").added) == 2
    for folder in ("away", "../secret", "/etc", "contracts/../..", "contracts/2026", "", "\0", ".."):
        with pytest.raises(SyncRefused, match="does not exist in SYNC_DIR"):
            preview_sync(collection, folder)


def test_a_file_that_became_a_link_after_it_was_seen_is_not_opened(
    served_folder: Path, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = preview_sync(collection, "contracts")
    (tmp_path / "key.txt").write_text("Secret.")
    (served_folder / "contracts" / "a.txt").unlink()
    (served_folder / "contracts" / "a.txt").symlink_to(tmp_path / "key.txt")
    shutil.move(served_folder / "contracts" / "2026", tmp_path / "moved")
    (served_folder / "contracts" / "2026").symlink_to(tmp_path / "moved")
    monkeypatch.setattr(folder_sync, "preview_sync", lambda *_: seen)
    assert [path for path, _ in sync(collection)] == ["contracts/2026/b.md", "contracts/a.txt"]
    assert not collection.documents.exists()


def test_folder_sync_names_refused_files_and_takes_the_rest(
    served_folder: Path, collection: Collection, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 100
    for name, content in (("all.zip", "PK"), ("empty.txt", ""), ("large.txt", "x" * 101)):
        (served_folder / "contracts" / name).write_text(content)
    diff = preview_sync(collection, "contracts")
    assert [path for path, _ in diff.refused] == [f"contracts/{name}" for name in ("all.zip", "empty.txt", "large.txt")]
    assert sync(collection) == [] and len(list_paths(collection)) == 2


def test_sync_folder_must_be_set_and_must_not_hold_the_data(
    collection: Collection, settings: Any, tmp_path: Path
) -> None:
    for value, words in (
        ("", "SYNC_DIR"), (str(tmp_path / "absent"), "not a readable folder"), (str(live.DATA_DIR), "own files"),
        (str(Path(live.DATA_DIR).parent), "own files"),
    ):  # fmt: skip
        settings.SYNC_DIR = value
        with pytest.raises(SyncRefused, match=words):
            preview_sync(collection, ".")


@pytest.fixture
def admin(ada: User, collection: Collection) -> User:
    """An administrator who may edit the collection."""
    Membership.objects.create(collection=collection, user=ada, role=Role.EDITOR)
    return ada


def test_the_worker_does_what_was_seen_once(served_folder: Path, admin: User, collection: Collection) -> None:
    diff = preview_sync(collection, "contracts")
    assert request_sync(admin, collection, "contracts", "other") is None
    row = request_sync(admin, collection, "contracts", diff.digest)
    assert row is not None and (row.pending, row.total) == (True, 2) and not collection.documents.exists()
    run_sync(row.pk)
    run_sync(row.pk)
    row = FolderSync.objects.get(pk=row.pk)
    assert (row.pending, row.done, row.problems, len(list_paths(collection))) == (False, 2, [], 2)
    assert set(collection.documents.values_list("uploaded_by", "sync_folder")) == {(admin.pk, "contracts")}


def test_a_worker_that_dies_in_the_middle_leaves_the_rest_to_the_next(
    served_folder: Path, admin: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = request_sync(admin, collection, "contracts", preview_sync(collection, "contracts").digest)
    assert row is not None
    taken = iter([True])

    def dies(*args: Any) -> Document:
        if next(taken, None) is None:
            raise KeyboardInterrupt
        return store_file(*args)

    with monkeypatch.context() as patch:
        patch.setattr(folder_sync, "store_file", dies)
        with pytest.raises(KeyboardInterrupt):
            run_sync(row.pk)
    assert len(list_paths(collection)) == 1
    FolderSync.objects.update(lease_until=None)
    run_sync(row.pk)
    assert len(list_paths(collection)) == 2 and not FolderSync.objects.get().pending


def test_administrators_see_the_difference_before_it_is_applied(
    served_folder: Path, ada: User, alice: User, collection: Collection, client: Client
) -> None:
    address = f"/collections/{collection.pk}/sync/"
    client.force_login(alice)
    assert (
        client.get(address).status_code == 404
        and "sync/" not in client.get(f"/collections/{collection.pk}/").content.decode()
    )
    client.force_login(ada)
    assert client.get(address).status_code == 404  # an administrator changes nobody's collection uninvited
    Membership.objects.create(collection=collection, user=ada, role=Role.EDITOR)
    assert "/sync/" in client.get(f"/collections/{collection.pk}/").content.decode()
    page = client.get(address, {"folder": "contracts"}).content.decode()
    assert "2 added, 0 changed, 0 removed" in page and "contracts/2026/b.md" in page
    stale = client.post(address, {"folder": "contracts", "digest": "x"}).content.decode()
    assert "has changed since you compared it" in stale and not FolderSync.objects.exists()
    digest = preview_sync(collection, "contracts").digest
    assert client.post(address, {"folder": "contracts", "digest": digest}).status_code == 302
    run_sync(FolderSync.objects.get().pk)
    assert "synced" in client.get(address).content.decode() and len(list_paths(collection)) == 2
    assert client.get(address, {"folder": "../.."}).status_code == 400


def test_the_command_shows_and_applies(
    served_folder: Path, collection: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sync_folder", str(collection.pk), "contracts")
    assert "+ contracts/a.txt" in capsys.readouterr().out and not collection.documents.exists()
    call_command("sync_folder", str(collection.pk), "contracts", "--apply")
    assert "2 added" in capsys.readouterr().out and len(list_paths(collection)) == 2
    with pytest.raises(CommandError, match="does not exist in SYNC_DIR"):
        call_command("sync_folder", str(collection.pk), "nowhere")


def test_files_of_a_folder_that_are_shown_alike_are_not_mixed_up() -> None:
    files = [FolderFile("a/x", "a/x", 1, 1), FolderFile("a/x", "a/x ", 1, 2)]
    diff = compare_folder(files, [KnownDocument(uuid4(), "a/y", 1, "", 1)], lambda _: "", lambda _: "")
    assert (len(diff.added), len(diff.removed), diff.refused[0][0]) == (1, 1, "a/x")
