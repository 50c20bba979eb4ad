"""Index over several indexes: writes go to the configured one, each segment is searched in the one that holds it.

There are two only while the site moves to another index. BM25 scores are then those of each index by itself; inverse
document frequencies are joined over both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from apps.engines.index.scoring import SegmentHit, TermWeights, join_idf, merge_candidates
from apps.engines.types import (
    EngineBroken,
    EngineRefused,
    Index,
    IndexEntry,
    IndexQuery,
    IndexResult,
    Part,
    SegmentInfo,
)

if TYPE_CHECKING:
    from apps.engines.types import Vectors


class RoutedIndex:
    """Index that dispatches each segment to the index named in its `backend`."""

    def __init__(self, name: str, index: Index, get_index: Callable[[str], Index]) -> None:
        """`name` is that of `index`, the configured one; `get_index` returns the others by name."""
        self._name, self._index, self._get_index = name, index, get_index

    def write(self, collection: str, entries: Sequence[IndexEntry], vectors: Vectors, fingerprint: str) -> SegmentInfo:
        return replace(self._index.write(collection, entries, vectors, fingerprint), backend=self._name)

    def build(self, collection: str, parts: Iterable[Part], count: int, fingerprint: str) -> SegmentInfo:
        return replace(self._index.build(collection, parts, count, fingerprint), backend=self._name)

    def search(self, segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        groups = self._group_by_index(segments)
        results = [index.search(group, query) for index, group in groups]
        if len(results) == 1:
            return results[0]
        hits = [SegmentHit(c.chunk_id, c.cosine, c.bm25) for result in results for c in result.candidates]
        counts = [sum(segment.count for segment in group) for _, group in groups]
        terms = join_idf([(result.idf, count) for result, count in zip(results, counts, strict=True)])
        by_words = [hit for hit in hits if hit.bm25]
        return merge_candidates(hits, by_words, query.limit, TermWeights({}, terms))

    def drop(self, segments: Sequence[SegmentInfo]) -> None:
        for index, group in self._group_by_index(segments):
            index.drop(group)

    def sweep(self, live: Sequence[SegmentInfo], older_than_s: float = 3600) -> int:
        return self._index.sweep(live, older_than_s)

    def verify(self, segment: SegmentInfo) -> bool:
        return self._find_index(segment).verify(segment)

    def _group_by_index(self, segments: Sequence[SegmentInfo]) -> list[tuple[Index, list[SegmentInfo]]]:
        """Return the segments grouped by the index that holds them; for no segments the configured index with none."""
        groups: dict[int, tuple[Index, list[SegmentInfo]]] = {}
        for segment in segments:
            index = self._find_index(segment)
            groups.setdefault(id(index), (index, []))[1].append(segment)
        return list(groups.values()) or [(self._index, [])]

    def _find_index(self, segment: SegmentInfo) -> Index:
        if not self._name or segment.backend in ("", self._name):
            return self._index
        try:
            return self._get_index(segment.backend)
        except EngineRefused as error:
            raise EngineBroken(f"The index segment {segment.id} cannot be reached: {error}") from error
