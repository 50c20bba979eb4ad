"""Tests that results equal those of a plain search over all live chunks, however they are spread over segments."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.engines.index.local.engine import LocalIndex
from apps.engines.index.memory import MemoryIndex
from apps.engines.types import EngineError, Index, IndexEntry, IndexQuery, SegmentInfo
from apps.lib import disk_space
from tests.engines.index.sample_entries import entries, units

WORDS = ["fox", "whale", "mouse", "owl", "red", "blue", "sings", "hunts", "sleeps", "deep"]
LENGTH = 6  # words of a text: the average length stays local to a segment, so texts are of one length here

texts = st.lists(st.lists(st.sampled_from(WORDS), min_size=LENGTH, max_size=LENGTH), min_size=2, max_size=30)
SLOW_TOO = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
whole = settings(max_examples=100, deadline=None, suppress_health_check=SLOW_TOO)
quick = settings(max_examples=15, deadline=None, suppress_health_check=SLOW_TOO)


@pytest.fixture(scope="module", params=[MemoryIndex, LocalIndex])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Index:
    made: Index = request.param(directory=str(tmp_path_factory.mktemp("index")))
    return made


def _write(index: Index, rows: list[IndexEntry], vectors: np.ndarray) -> SegmentInfo:
    return index.write(uuid4().hex, rows, vectors, "tests")


@quick
@given(texts=texts, cuts=st.sets(st.integers(1, 29)), question=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
def test_segments_rank_together_as_one_segment(
    index: Index, texts: list[list[str]], cuts: set[int], question: list[str]
) -> None:
    rows, vectors = entries([" ".join(words) for words in texts]), units(len(texts))
    borders = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    query = IndexQuery(" ".join(question), units(1, seed=9)[0], limit=30)

    one = index.search([_write(index, rows, vectors)], query)
    parts = [_write(index, rows[a:b], vectors[a:b]) for a, b in pairwise(borders)]
    many = index.search(parts, query)

    assert [c.chunk_id for c in many.candidates] == [c.chunk_id for c in one.candidates]
    assert [c.bm25 for c in many.candidates] == pytest.approx([c.bm25 for c in one.candidates], rel=1e-4)
    assert many.idf == pytest.approx(one.idf)


def test_memory_and_local_index_give_the_same_scores(tmp_path: Path) -> None:
    rows = [
        IndexEntry(n, f"{WORDS[n % 10]} {WORDS[n % 7]} in the wood", f"about {WORDS[n % 3]}", "") for n in range(40)
    ]
    vectors = units(40)
    query = IndexQuery("red fox hunts", units(1, seed=3)[0], limit=40)

    found = []
    for index in (MemoryIndex(), LocalIndex(str(tmp_path))):
        result = index.search([_write(index, rows, vectors)], query)
        found.append({c.chunk_id: (c.cosine, c.bm25) for c in result.candidates})

    assert found[0].keys() == found[1].keys()
    for chunk, scores in found[0].items():
        assert found[1][chunk] == pytest.approx(scores, abs=2e-3)


SYNCS = 12  # of the files of one segment, and a few more


def _ends_after(count: int) -> Callable[[Path], None]:
    left = iter(range(count))

    def sync(_: Path) -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")

    return sync


class _History:
    """Segments of one collection under additions, deletions and merges, beside a plain table of live chunks."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.segments: list[tuple[SegmentInfo, list[int]]] = []
        self.live: dict[int, tuple[str, np.ndarray]] = {}
        self.next = 0

    def add(self, count: int) -> None:
        ids = list(range(self.next, self.next + count))
        self.next += count
        vectors = units(count, seed=self.next)
        self.live |= {i: (f"{WORDS[i % 10]} {WORDS[i // 2 % 10]}", vectors[n]) for n, i in enumerate(ids)}
        self._write(ids)

    def crash(self, which: int) -> None:
        """Interrupt a writer: nothing that it wrote is recorded, and the next writer starts with the same files."""
        if isinstance(self.index, LocalIndex):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(disk_space, "sync_path", _ends_after(which % SYNCS))
                with suppress(EngineError):
                    self.index.write(uuid4().hex, entries(["red fox"] * 3, first=10**6), units(3), "tests")
            self.index = LocalIndex(str(self.index._directory))

    def delete(self, which: int) -> None:
        if self.live:
            del self.live[sorted(self.live)[which % len(self.live)]]

    def merge(self, count: int) -> None:
        old, self.segments = self.segments[:count], self.segments[count:]
        kept = [i for _, ids in old for i in ids if i in self.live]
        if kept:
            self._write(kept)
        self.index.drop([info for info, _ in old])

    def _write(self, ids: list[int]) -> None:
        rows = [IndexEntry(i, self.live[i][0]) for i in ids]
        self.segments.append((_write(self.index, rows, np.stack([self.live[i][1] for i in ids])), ids))

    def check(self) -> None:
        """Assert that the hits equal those of a plain comparison with every live vector."""
        vector = units(1, seed=5)[0]
        found = self.index.search([info for info, _ in self.segments], IndexQuery("fox", vector, limit=self.next + 1))
        live = {c.chunk_id: c.cosine for c in found.candidates if c.chunk_id in self.live}
        assert live == pytest.approx({i: float(row @ vector) for i, (_, row) in self.live.items()}, abs=2e-3)
        worded = {c.chunk_id for c in found.candidates if c.bm25 and c.chunk_id in self.live}
        assert worded == {i for i, (text, _) in self.live.items() if "fox" in text}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 12)),
        st.tuples(st.just("delete"), st.integers(0, 99)),
        st.tuples(st.just("merge"), st.integers(1, 4)),
        st.tuples(st.just("crash"), st.integers(0, 99)),
    ),
    min_size=1,
    max_size=8,
)


@whole
@given(steps=steps)
def test_search_equals_plain_search_after_adds_deletes_merges_and_crashes(
    index: Index, steps: list[tuple[str, int]]
) -> None:
    history = _History(index)
    for verb, number in steps:
        getattr(history, verb)(number)
    history.check()


def test_eight_threads_search_while_others_write_drop_and_sweep(tmp_path: Path) -> None:
    index = LocalIndex(str(tmp_path), open_at_most=4)
    vectors = units(200)
    kept = [_write(index, entries(["red fox"] * 200, first=n * 200), vectors) for n in range(6)]
    until = time.monotonic() + 2
    wrong: list[object] = []

    def reader() -> None:
        while time.monotonic() < until:
            found = index.search(kept, IndexQuery("fox", vectors[7], limit=5)).candidates
            if not found or found[0].chunk_id % 200 != 7:
                wrong.append(found)

    def writer() -> None:
        while time.monotonic() < until:
            index.drop([_write(index, entries(["blue whale"] * 50), units(50))])
            index.sweep(kept)

    threads = [threading.Thread(target=reader) for _ in range(8)] + [threading.Thread(target=writer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
