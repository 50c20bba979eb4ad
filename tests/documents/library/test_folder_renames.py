"""A file of a synced folder that has another name, or another one's content: its document goes along in one step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from apps.documents.library.folder_sync import apply_sync, preview_sync
from apps.documents.models import Collection, Document
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
    settings.SYNC_DIR = str(folder)
    return folder


def places(shelf: Collection) -> list[str]:
    return sorted(held(shelf))


def done(shelf: Collection) -> list[Any]:
    return [problem for problem in apply_sync(None, shelf, "contracts") if problem]


def ready(shelf: Collection) -> None:
    """As the worker leaves them."""
    shelf.documents.update(status=Document.Status.READY)


def held(shelf: Collection) -> dict[str, Any]:
    return {f"{row.path}/{row.name}": row.pk for row in shelf.documents.all()}


def test_a_file_that_was_renamed_keeps_its_document(root: Path, shelf: Collection) -> None:
    done(shelf)
    ready(shelf)
    before = held(shelf)
    (root / "contracts" / "a.txt").rename(root / "contracts" / "2026" / "first.txt")

    diff = preview_sync(shelf, "contracts")

    assert [item.description for item in diff.moved] == ["contracts/a.txt → contracts/2026/first.txt"]
    assert (diff.count, diff.added, diff.removed) == (1, [], [])
    assert done(shelf) == []
    now = {
        "contracts/2026/b.md": before["contracts/2026/b.md"], "contracts/2026/first.txt": before["contracts/a.txt"]
    }  # fmt: skip
    assert held(shelf) == now and preview_sync(shelf, "contracts").count == 0


def test_files_that_swap_their_contents_swap_their_documents(root: Path, shelf: Collection) -> None:
    (root / "contracts" / "c.txt").write_text("Third, longer.")
    done(shelf)
    ready(shelf)
    before = held(shelf)
    for old, new in (("a.txt", "x"), ("c.txt", "a.txt"), ("x", "c.txt")):
        (root / "contracts" / old).rename(root / "contracts" / new)
    os.utime(root / "contracts" / "a.txt", (1, 1))
    os.utime(root / "contracts" / "c.txt", (2, 2))

    assert done(shelf) == []
    now = held(shelf)
    assert now["contracts/a.txt"] == before["contracts/c.txt"] and now["contracts/c.txt"] == before["contracts/a.txt"]
    assert preview_sync(shelf, "contracts").count == 0


def test_where_the_ending_decides_how_it_is_read_a_renamed_file_is_read_anew(root: Path, shelf: Collection) -> None:
    done(shelf)
    ready(shelf)
    before = held(shelf)
    folder = root / "contracts"
    first, second = (folder / "a.txt").read_text(), (folder / "2026" / "b.md").read_text()
    (folder / "a.txt").write_text(second)
    (folder / "2026" / "b.md").write_text(first)

    assert done(shelf) == []
    assert places(shelf) == ["contracts/2026/b.md", "contracts/a.txt"]
    assert not set(held(shelf).values()) & set(before.values())
    assert preview_sync(shelf, "contracts").count == 0


def test_a_log_that_is_rotated_moves_on_and_a_new_one_takes_its_place(root: Path, shelf: Collection) -> None:
    done(shelf)
    ready(shelf)
    before = held(shelf)["contracts/a.txt"]
    (root / "contracts" / "a.txt").rename(root / "contracts" / "a-1.txt")
    (root / "contracts" / "a.txt").write_text("Today.")

    assert done(shelf) == []
    now = held(shelf)
    assert now["contracts/a-1.txt"] == before and now["contracts/a.txt"] != before
    assert preview_sync(shelf, "contracts").count == 0


def test_a_renamed_file_that_could_not_be_read_is_tried_under_its_new_name(root: Path, shelf: Collection) -> None:
    done(shelf)
    shelf.documents.update(status=Document.Status.FAILED)
    (root / "contracts" / "a.txt").rename(root / "contracts" / "aa.txt")

    assert done(shelf) == []
    assert shelf.documents.get(name="aa.txt").status == Document.Status.QUEUED
    assert places(shelf) == ["contracts/2026/b.md", "contracts/aa.txt"]


def test_a_version_that_waits_goes_along(root: Path, shelf: Collection) -> None:
    done(shelf)
    ready(shelf)
    (root / "contracts" / "a.txt").write_text("Other words.")
    done(shelf)
    (root / "contracts" / "a.txt").rename(root / "contracts" / "aa.txt")

    assert done(shelf) == []
    assert list(shelf.documents.filter(name="aa.txt").values_list("replaces__name", flat=True)) == ["aa.txt", None]
    assert not shelf.documents.filter(name="a.txt").exists()
