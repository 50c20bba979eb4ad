"""Tests of a disk that is full at any step of writing a segment: a clear error, nothing left, and no retry
afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings

from apps.engines.index.local.engine import LocalIndex
from apps.engines.types import EngineUnavailable, IndexQuery
from tests.engines.index.sample_entries import entries, units, write
from tests.support.tiny_disk import TinyDisk, tiny_disk

TEXTS = [f"passage number {n} about foxes and whales {n * n} {n * 7}" for n in range(1000)]
ROWS = units(1000, dimension=128)
LIMITED = """
import resource, sys
sys.path.insert(0, {root!r})
from apps.engines.types import EngineUnavailable
from tests.engines.index.test_full_disk import LocalIndex, TEXTS, ROWS, entries, uuid4
index = LocalIndex({folder!r}, kind={kind!r})
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for size in (1 << 14, 1 << 16, 100_000, 200_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        index.write(uuid4().hex, entries(TEXTS), ROWS, "tests")
    except EngineUnavailable as error:
        print("full" if "disk is full" in str(error) else error)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
print(index.write(uuid4().hex, entries(TEXTS), ROWS, "tests").count)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[TinyDisk]:
    with tiny_disk(tmp_path / "tiny", 4096) as made:
        yield made


@pytest.mark.parametrize("kind", ["flat", "graph", "lists"])
def test_full_disk_leaves_nothing_of_a_segment_and_the_next_write_works(disk: TinyDisk, kind: str) -> None:
    index = LocalIndex(str(disk.path / "index"), kind=kind)
    before = write(index, ["a fox"])
    held = len(disk.files)
    failed = 0
    for kilobytes in range(64, 2048, 96):
        disk.resize(kilobytes)
        try:
            written = index.write(uuid4().hex, entries(TEXTS), ROWS, "tests")
        except EngineUnavailable as error:
            failed += 1
            assert error.retry
            assert "disk is full" in str(error)
            assert len(disk.files) == held
            assert index.search([before], IndexQuery("fox", units(1)[0])).candidates
        else:
            assert index.search([written], IndexQuery("whales", ROWS[7])).candidates[0].chunk_id == 7
            index.drop([written])
    assert failed > 5


@pytest.mark.parametrize("kind", ["flat", "lists"])
def test_a_limit_on_the_size_of_files_is_a_full_disk_too(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "index"
    script = LIMITED.format(root=str(settings.BASE_DIR), folder=str(folder), kind=kind)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )

    assert done.stdout.split() == ["full"] * 4 + ["1000"], done.stderr
    assert len(list(folder.glob("*/*/manifest.json"))) == 1
