"""Tests of the disk reserve and of the detection of a full disk."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection

from apps.engines.index.local import segment_files
from apps.engines.types import EngineUnavailable
from apps.lib import disk_space


@pytest.mark.django_db(transaction=True)
def test_a_reserve_is_held_where_there_is_plenty_and_given_up_when_there_is_nothing(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda _: SimpleNamespace(free=disk_space.RESERVE))
    disk_space.create_reserve()
    assert not (tmp_path / "reserve").exists(), "what is scarce is not taken away"
    monkeypatch.undo()
    disk_space.create_reserve()
    there = connection.vendor == "sqlite"  # another server has a disk of its own
    assert (tmp_path / "reserve").exists() == there
    disk_space.release_reserve()
    assert not (tmp_path / "reserve").exists()


@pytest.mark.parametrize(("left", "said"), [(0, "The disk is full"), (10**12, "could not be written")])
def test_an_error_that_does_not_say_why_is_a_full_disk_where_nothing_is_left(
    left: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda _: SimpleNamespace(free=left))
    ended = "An error occurred in a thread: 'A worker thread encountered an error (io::Error most likely) or panicked.'"
    with pytest.raises(EngineUnavailable, match=said), segment_files.open_staging_folder(tmp_path, uuid4().hex):
        raise ValueError(ended)
