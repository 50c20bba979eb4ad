"""Fixtures of the tests of the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.documents.library.folder_sync import apply_sync
from apps.documents.models import Collection
from tests.safety.web_server import Site, site


@pytest.fixture
def website(settings: Any) -> Iterator[Site]:
    """Return a website on this machine that may be fetched."""
    with site() as started:
        settings.FETCH_ALSO = {("127.0.0.1", started.port)}
        yield started


@pytest.fixture
def served_folder(tmp_path: Path, settings: Any) -> Path:
    """Return SYNC_DIR with the folders "contracts", which holds two files, and "other", which is empty."""
    folder = tmp_path / "served"
    (folder / "contracts" / "2026").mkdir(parents=True)
    (folder / "contracts" / "a.txt").write_text("First.")
    (folder / "contracts" / "2026" / "b.md").write_text("# Second")
    (folder / "other").mkdir()
    settings.SYNC_DIR = str(folder)
    return folder


def list_paths(collection: Collection) -> list[str]:
    """Return the sorted paths of the documents."""
    return sorted(f"{row.path}/{row.name}" for row in collection.documents.all())


def sync(collection: Collection, folder: str = "contracts") -> list[Any]:
    """Sync the folder and return the problems."""
    return [problem for problem in apply_sync(None, collection, folder) if problem]
