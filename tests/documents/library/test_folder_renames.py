"""A file of a synced folder that has another name, or another one's content: its document goes along in one step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from apps.documents.library.folder_sync import preview_sync
from apps.documents.models import Collection, Document
from tests.documents.library.conftest import list_paths, sync

pytestmark = pytest.mark.django_db(transaction=True)


def mark_ready(collection: Collection) -> None:
    """As the worker leaves them."""
    collection.documents.update(status=Document.Status.READY)


def get_ids_by_path(collection: Collection) -> dict[str, Any]:
    return {f"{row.path}/{row.name}": row.pk for row in collection.documents.all()}


def test_a_file_that_was_renamed_keeps_its_document(served_folder: Path, collection: Collection) -> None:
    sync(collection)
    mark_ready(collection)
    before = get_ids_by_path(collection)
    (served_folder / "contracts" / "a.txt").rename(served_folder / "contracts" / "2026" / "first.txt")

    diff = preview_sync(collection, "contracts")

    assert [item.description for item in diff.renamed] == ["contracts/a.txt → contracts/2026/first.txt"]
    assert (diff.count, diff.added, diff.removed) == (1, [], [])
    assert sync(collection) == []
    now = {
        "contracts/2026/b.md": before["contracts/2026/b.md"], "contracts/2026/first.txt": before["contracts/a.txt"]
    }  # fmt: skip
    assert get_ids_by_path(collection) == now and preview_sync(collection, "contracts").count == 0


def test_files_that_swap_their_contents_swap_their_documents(served_folder: Path, collection: Collection) -> None:
    (served_folder / "contracts" / "c.txt").write_text("Third, longer.")
    sync(collection)
    mark_ready(collection)
    before = get_ids_by_path(collection)
    for old, new in (("a.txt", "x"), ("c.txt", "a.txt"), ("x", "c.txt")):
        (served_folder / "contracts" / old).rename(served_folder / "contracts" / new)
    os.utime(served_folder / "contracts" / "a.txt", (1, 1))
    os.utime(served_folder / "contracts" / "c.txt", (2, 2))

    assert sync(collection) == []
    now = get_ids_by_path(collection)
    assert now["contracts/a.txt"] == before["contracts/c.txt"] and now["contracts/c.txt"] == before["contracts/a.txt"]
    assert preview_sync(collection, "contracts").count == 0


def test_renamed_file_is_read_anew_when_its_ending_decides_how_it_is_read(
    served_folder: Path, collection: Collection
) -> None:
    sync(collection)
    mark_ready(collection)
    before = get_ids_by_path(collection)
    folder = served_folder / "contracts"
    first, second = (folder / "a.txt").read_text(), (folder / "2026" / "b.md").read_text()
    (folder / "a.txt").write_text(second)
    (folder / "2026" / "b.md").write_text(first)

    assert sync(collection) == []
    assert list_paths(collection) == ["contracts/2026/b.md", "contracts/a.txt"]
    assert not set(get_ids_by_path(collection).values()) & set(before.values())
    assert preview_sync(collection, "contracts").count == 0


def test_a_log_that_is_rotated_moves_on_and_a_new_one_takes_its_place(
    served_folder: Path, collection: Collection
) -> None:
    sync(collection)
    mark_ready(collection)
    before = get_ids_by_path(collection)["contracts/a.txt"]
    (served_folder / "contracts" / "a.txt").rename(served_folder / "contracts" / "a-1.txt")
    (served_folder / "contracts" / "a.txt").write_text("Today.")

    assert sync(collection) == []
    now = get_ids_by_path(collection)
    assert now["contracts/a-1.txt"] == before and now["contracts/a.txt"] != before
    assert preview_sync(collection, "contracts").count == 0


def test_a_renamed_file_that_could_not_be_read_is_tried_under_its_new_name(
    served_folder: Path, collection: Collection
) -> None:
    sync(collection)
    collection.documents.update(status=Document.Status.FAILED)
    (served_folder / "contracts" / "a.txt").rename(served_folder / "contracts" / "aa.txt")

    assert sync(collection) == []
    assert collection.documents.get(name="aa.txt").status == Document.Status.QUEUED
    assert list_paths(collection) == ["contracts/2026/b.md", "contracts/aa.txt"]


def test_a_version_that_waits_goes_along(served_folder: Path, collection: Collection) -> None:
    sync(collection)
    mark_ready(collection)
    (served_folder / "contracts" / "a.txt").write_text("Other words.")
    sync(collection)
    (served_folder / "contracts" / "a.txt").rename(served_folder / "contracts" / "aa.txt")

    assert sync(collection) == []
    assert list(collection.documents.filter(name="aa.txt").values_list("replaces__name", flat=True)) == ["aa.txt", None]
    assert not collection.documents.filter(name="a.txt").exists()
