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
from tests.factories import make_collection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shelf(alice: User) -> Collection:
    return make_collection(alice, "Shelf")


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    folder = tmp_path / "served"
    (folder / "contracts" / "2026").mkdir(parents=True)
    (folder / "contracts" / "a.txt").write_text("First.")
    (folder / "contracts" / "2026" / "b.md").write_text("# Second")
    (folder / "other").mkdir()
    settings.SYNC_DIR = str(folder)
    return folder


def places(shelf: Collection) -> list[str]:
    return sorted(f"{row.path}/{row.name}" for row in shelf.documents.all())


def done(shelf: Collection, folder: str = "contracts") -> list[Any]:
    return [problem for problem in apply_sync(None, shelf, folder) if problem]


def test_what_is_there_is_added_with_its_structure_and_what_is_gone_is_removed(root: Path, shelf: Collection) -> None:
    diff = preview_sync(shelf, "contracts")
    assert [item.path for item in diff.added] == ["contracts/2026/b.md", "contracts/a.txt"]
    assert not shelf.documents.exists()  # only looked at
    assert done(shelf) == []
    assert places(shelf) == ["contracts/2026/b.md", "contracts/a.txt"]
    again = preview_sync(shelf, "contracts")
    assert (again.count, again.unchanged) == (0, 2)
    (root / "contracts" / "a.txt").unlink()
    assert [item.path for item in preview_sync(shelf, "contracts").removed] == ["contracts/a.txt"]
    assert done(shelf) == [] and places(shelf) == ["contracts/2026/b.md"]


def test_a_file_that_was_only_touched_is_unchanged_and_one_of_other_content_is_not(
    root: Path, shelf: Collection
) -> None:
    done(shelf)
    os.utime(root / "contracts" / "a.txt", (1, 1))
    assert preview_sync(shelf, "contracts").unchanged == 2
    (root / "contracts" / "a.txt").write_text("Third.")  # as long as before
    os.utime(root / "contracts" / "a.txt", (2, 2))
    assert [item.path for item in preview_sync(shelf, "contracts").changed] == ["contracts/a.txt"]


def test_documents_of_other_sources_are_left_alone(root: Path, alice: User, shelf: Collection) -> None:
    store_upload(alice, shelf, SimpleUploadedFile("mine.txt", b"Mine."), "contracts")
    store_upload(alice, shelf, SimpleUploadedFile("same.txt", b"First."))
    done(shelf, "other")
    problems = done(shelf)
    assert problems[0][0] == "contracts/a.txt" and "Already in Shelf as same.txt" in problems[0][1]
    assert places(shelf) == ["/same.txt", "contracts/2026/b.md", "contracts/mine.txt"]
    shutil.rmtree(root / "contracts")
    (root / "contracts").mkdir()
    assert not any(apply_sync(None, shelf, "contracts", 1)) and places(shelf) == ["/same.txt", "contracts/mine.txt"]


def test_links_and_hidden_files_are_not_followed(root: Path, shelf: Collection, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.txt").write_text("Secret.")
    (root / "contracts" / "link.txt").symlink_to(secret / "key.txt")
    (root / "contracts" / "folder").symlink_to(secret)
    (root / "away").symlink_to(secret)
    (root / "contracts" / ".hidden.txt").write_text("Hidden.")
    os.mkfifo(root / "contracts" / "pipe.txt")
    assert list_folders() == [".", "contracts", "other"]
    assert len(preview_sync(shelf, "contracts").added) == 2
    for folder in ("away", "../secret", "/etc", "contracts/../..", "contracts/2026", "", "\0", ".."):
        with pytest.raises(SyncRefused, match="does not exist in SYNC_DIR"):
            preview_sync(shelf, folder)


def test_a_file_that_became_a_link_after_it_was_seen_is_not_opened(
    root: Path, shelf: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = preview_sync(shelf, "contracts")
    (tmp_path / "key.txt").write_text("Secret.")
    (root / "contracts" / "a.txt").unlink()
    (root / "contracts" / "a.txt").symlink_to(tmp_path / "key.txt")
    shutil.move(root / "contracts" / "2026", tmp_path / "moved")
    (root / "contracts" / "2026").symlink_to(tmp_path / "moved")
    monkeypatch.setattr(folder_sync, "preview_sync", lambda *_: seen)
    assert [place for place, _ in done(shelf)] == ["contracts/2026/b.md", "contracts/a.txt"]
    assert not shelf.documents.exists()


def test_what_cannot_be_taken_is_told_and_the_rest_goes_on(root: Path, shelf: Collection, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 100
    for name, content in (("all.zip", "PK"), ("empty.txt", ""), ("large.txt", "x" * 101)):
        (root / "contracts" / name).write_text(content)
    diff = preview_sync(shelf, "contracts")
    assert [place for place, _ in diff.refused] == [
        f"contracts/{name}" for name in ("all.zip", "empty.txt", "large.txt")
    ]
    assert done(shelf) == [] and len(places(shelf)) == 2


def test_it_has_to_be_named_and_must_not_hold_the_data(shelf: Collection, settings: Any, tmp_path: Path) -> None:
    for value, words in (
        ("", "SYNC_DIR"), (str(tmp_path / "absent"), "not a readable folder"), (str(live.DATA_DIR), "own files"),
        (str(Path(live.DATA_DIR).parent), "own files"),
    ):  # fmt: skip
        settings.SYNC_DIR = value
        with pytest.raises(SyncRefused, match=words):
            preview_sync(shelf, ".")


@pytest.fixture
def admin(ada: User, shelf: Collection) -> User:
    """An administrator who may edit the shelf."""
    Membership.objects.create(collection=shelf, user=ada, role=Role.EDITOR)
    return ada


def test_the_worker_does_what_was_seen_once(root: Path, admin: User, shelf: Collection) -> None:
    diff = preview_sync(shelf, "contracts")
    assert request_sync(admin, shelf, "contracts", "other") is None
    row = request_sync(admin, shelf, "contracts", diff.digest)
    assert row is not None and (row.pending, row.total) == (True, 2) and not shelf.documents.exists()
    run_sync(row.pk)
    run_sync(row.pk)
    row = FolderSync.objects.get(pk=row.pk)
    assert (row.pending, row.done, row.problems, len(places(shelf))) == (False, 2, [], 2)
    assert set(shelf.documents.values_list("uploaded_by", "sync_folder")) == {(admin.pk, "contracts")}


def test_a_worker_that_dies_in_the_middle_leaves_the_rest_to_the_next(
    root: Path, admin: User, shelf: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = request_sync(admin, shelf, "contracts", preview_sync(shelf, "contracts").digest)
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
    assert len(places(shelf)) == 1
    FolderSync.objects.update(lease_until=None)
    run_sync(row.pk)
    assert len(places(shelf)) == 2 and not FolderSync.objects.get().pending


def test_administrators_see_the_difference_before_it_is_applied(
    root: Path, ada: User, alice: User, shelf: Collection, client: Client
) -> None:
    address = f"/collections/{shelf.pk}/sync/"
    client.force_login(alice)
    assert (
        client.get(address).status_code == 404
        and "sync/" not in client.get(f"/collections/{shelf.pk}/").content.decode()
    )
    client.force_login(ada)
    assert client.get(address).status_code == 404  # an administrator changes nobody's collection uninvited
    Membership.objects.create(collection=shelf, user=ada, role=Role.EDITOR)
    assert "/sync/" in client.get(f"/collections/{shelf.pk}/").content.decode()
    page = client.get(address, {"folder": "contracts"}).content.decode()
    assert "2 added, 0 changed, 0 removed" in page and "contracts/2026/b.md" in page
    stale = client.post(address, {"folder": "contracts", "digest": "x"}).content.decode()
    assert "has changed since you compared it" in stale and not FolderSync.objects.exists()
    digest = preview_sync(shelf, "contracts").digest
    assert client.post(address, {"folder": "contracts", "digest": digest}).status_code == 302
    run_sync(FolderSync.objects.get().pk)
    assert "synced" in client.get(address).content.decode() and len(places(shelf)) == 2
    assert client.get(address, {"folder": "../.."}).status_code == 400


def test_the_command_shows_and_applies(root: Path, shelf: Collection, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync_folder", str(shelf.pk), "contracts")
    assert "+ contracts/a.txt" in capsys.readouterr().out and not shelf.documents.exists()
    call_command("sync_folder", str(shelf.pk), "contracts", "--apply")
    assert "2 added" in capsys.readouterr().out and len(places(shelf)) == 2
    with pytest.raises(CommandError, match="does not exist in SYNC_DIR"):
        call_command("sync_folder", str(shelf.pk), "nowhere")


def test_two_files_that_are_shown_alike_are_not_mixed_up() -> None:
    files = [FolderFile("a/x", "a/x", 1, 1), FolderFile("a/x", "a/x ", 1, 2)]
    diff = compare_folder(files, [KnownDocument(uuid4(), "a/y", 1, "", 1)], lambda _: "", lambda _: "")
    assert (len(diff.added), len(diff.removed), diff.refused[0][0]) == (1, 1, "a/x")
