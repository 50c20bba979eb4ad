"""A folder that is away, unreadable or half listed removes no document; removing much waits for a person."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.documents.library.folder_sync import preview_sync, run_sync
from apps.documents.models import Collection, FolderSync, Membership, Role
from apps.users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = 65534


@pytest.fixture
def root(settings: Any) -> Iterator[Path]:
    """A folder that other users may enter, unlike those of `tmp_path`."""
    with tempfile.TemporaryDirectory(prefix="openbook-folder-") as made:
        Path(made).chmod(0o755)
        settings.SYNC_DIR = made
        yield Path(made)


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """The rest of the test reads files as a user to whom their modes apply."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


def fill(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:02}.txt").write_text(f"Paper {number} of {folder.name}.")


def sync(collection: Collection, *options: str, folder: str = "papers") -> None:
    call_command("sync_folder", str(collection.pk), folder, "--apply", *options)


def count(collection: Collection) -> int:
    return collection.documents.count()


def test_a_subfolder_that_cannot_be_read_removes_nothing(root: Path, collection: Collection, request: Any) -> None:
    fill(root / "papers", 3)
    fill(root / "papers" / "closed", 3)
    sync(collection)
    (root / "papers" / "closed").chmod(0)
    request.getfixturevalue("unprivileged")
    with pytest.raises(CommandError, match=r"could not be read completely.*closed.*Permission denied"):
        sync(collection)
    assert count(collection) == 6


def test_a_root_that_is_missing_removes_nothing(root: Path, collection: Collection) -> None:
    fill(root / "papers", 3)
    sync(collection)
    shutil.rmtree(root / "papers")
    with pytest.raises(CommandError, match="does not exist in SYNC_DIR"):
        sync(collection)
    shutil.rmtree(root)
    try:
        with pytest.raises(CommandError, match="not a readable folder"):
            sync(collection)
    finally:
        root.mkdir()
    assert count(collection) == 3


@pytest.mark.parametrize("documents", [1, 8, 12])
def test_a_share_that_is_not_mounted_any_more_removes_nothing(
    root: Path, collection: Collection, documents: int
) -> None:
    fill(root / "papers", documents)
    sync(collection)
    (root / "papers").rename(root / "away")  # what an unmounted share leaves is its empty mount point
    (root / "papers").mkdir()
    with pytest.raises(CommandError, match=rf"{documents} of the collection's {documents} documents") as refused:
        sync(collection)
    assert refused.value.returncode == 3 and "--removals" in str(refused.value)
    assert count(collection) == documents
    shutil.rmtree(root / "papers")
    (root / "away").rename(root / "papers")
    sync(collection)
    assert count(collection) == documents


def test_a_folder_that_vanishes_while_it_is_listed_removes_nothing(
    root: Path, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(root / "papers", 2)
    fill(root / "papers" / "inner", 2)
    fill(root / "papers" / "outer", 2)
    sync(collection)
    listed = os.scandir

    def vanishing(path: Any) -> Any:
        if isinstance(path, str) and Path(path).name == "inner":
            shutil.rmtree(path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    with pytest.raises(CommandError, match=r"could not be read completely.*inner"):
        sync(collection)
    assert count(collection) == 6


def test_a_file_that_vanishes_while_it_is_listed_removes_nothing(
    root: Path, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(root / "papers", 3)
    sync(collection)
    facts = Path.lstat

    def vanishing(path: Path) -> os.stat_result:
        if path.name == "01.txt":
            path.unlink(missing_ok=True)
        return facts(path)

    monkeypatch.setattr(Path, "lstat", vanishing)
    with pytest.raises(CommandError, match=r"could not be read completely.*01\.txt"):
        sync(collection)
    assert count(collection) == 3


@pytest.mark.parametrize(
    ("documents", "gone", "goes"), [(20, 10, True), (20, 11, False), (60, 12, True), (60, 13, False)]
)
def test_removal_of_more_than_ten_files_and_a_fifth_waits_for_a_person(
    root: Path, collection: Collection, documents: int, gone: int, goes: bool
) -> None:
    fill(root / "papers", documents)
    sync(collection)
    for path in sorted((root / "papers").iterdir())[:gone]:
        path.unlink()
    if goes:
        sync(collection)
    else:
        for confirmed in ((), ("--removals", str(gone - 1))):
            with pytest.raises(CommandError, match="was not confirmed"):
                sync(collection, *confirmed)
        assert count(collection) == documents
        sync(collection, "--removals", str(gone))
    assert count(collection) == documents - gone


def test_the_page_asks_for_the_number_and_the_worker_removes_no_more(
    root: Path, collection: Collection, ada: User, client: Client
) -> None:
    Membership.objects.create(collection=collection, user=ada, role=Role.EDITOR)
    client.force_login(ada)
    address = f"/collections/{collection.pk}/sync/"
    fill(root / "papers", 30)
    sync(collection)
    for path in sorted((root / "papers").iterdir())[:15]:
        path.unlink()
    page = client.get(address, {"folder": "papers"}).content.decode()
    assert 'name="removals" value="15" required' in page and "Remove 15 documents" in page
    sent = {"folder": "papers", "digest": preview_sync(collection, "papers").digest}
    assert client.post(address, sent).status_code == 400 and not FolderSync.objects.exists()
    assert client.post(address, sent | {"removals": "15"}).status_code == 302
    for path in (root / "papers").iterdir():  # the share goes away before the worker begins
        path.unlink()
    run_sync(FolderSync.objects.get().pk)
    assert count(collection) == 30
    told = client.get(address).content.decode()
    assert "could not be synced" in told and "was not confirmed" in told
    fill(root / "papers", 15)
    sent["digest"] = preview_sync(collection, "papers").digest
    assert client.post(address, sent | {"removals": "15"}).status_code == 302
    run_sync(FolderSync.objects.get().pk)
    assert count(collection) == 15 and "synced" in client.get(address).content.decode()
