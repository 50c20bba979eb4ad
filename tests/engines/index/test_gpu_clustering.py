"""Tests of k-means on a GPU with `faiss-gpu`; a GPU that fails leaves the work to the CPU.

No GPU is needed: FAISS gets the four names that its GPU build adds, over the CPU's own index.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.engines.index.local.engine import LocalIndex
from apps.engines.types import IndexQuery
from tests.engines.index.sample_entries import units, write

COUNT = 800
TEXTS = [f"passage {number}" for number in range(COUNT)]
ROWS = units(COUNT, dimension=32)


class Gpu:
    """GPU index that counts the searches of k-means, and may fail at one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, devices: int = 1, start: str = "") -> None:
        import faiss

        self.made: list[Any] = []
        self._start = start
        monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
        monkeypatch.setattr(faiss, "get_num_gpus", lambda: devices, raising=False)
        monkeypatch.setattr(faiss, "index_cpu_to_all_gpus", self._to_gpu, raising=False)

    def _to_gpu(self, index: Any) -> Any:
        if self._start:
            raise RuntimeError(self._start)
        self.made.append(index)
        return index


def found(index: LocalIndex) -> int:
    """Return how many passages are the first hit for their own vector."""
    segment = write(index, TEXTS, vectors=ROWS)
    queries = (IndexQuery("", row, 1) for row in ROWS[:100])
    return sum(index.search([segment], query).candidates[0].chunk_id == n for n, query in enumerate(queries))


def test_the_centres_are_found_on_the_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(monkeypatch)

    assert found(LocalIndex(str(tmp_path), kind="lists")) == 100
    assert len(gpu.made) == 1
    assert gpu.made[0].ntotal > 1  # k-means kept its centres there


def test_cpu_builds_the_index_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(monkeypatch, devices=0)

    assert found(LocalIndex(str(tmp_path), kind="lists")) == 100
    assert gpu.made == []


def test_a_gpu_without_memory_leaves_it_to_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Gpu(monkeypatch, start="out of memory\nat StandardGpuResources.cpp")

    assert found(LocalIndex(str(tmp_path), kind="lists")) == 100
    assert "out of memory" in caplog.text


def test_a_gpu_that_breaks_off_leaves_it_to_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import faiss

    gpu = Gpu(monkeypatch)
    monkeypatch.setattr(faiss, "index_cpu_to_all_gpus", lambda index: faiss.IndexFlatIP(7), raising=False)

    assert found(LocalIndex(str(tmp_path), kind="lists")) == 100
    assert "processor takes over" in caplog.text
    assert gpu.made == []


def test_segments_are_only_mapped_into_memory(tmp_path: Path) -> None:
    index = LocalIndex(str(tmp_path), kind="graph")
    segment = write(index, TEXTS, vectors=ROWS)
    index.search([segment], IndexQuery("passage", ROWS[0]))

    mapped = Path("/proc/self/maps").read_text()
    for name in ("vectors.faiss", "ids.npy"):
        assert f"{segment.id}/{name}" in mapped
