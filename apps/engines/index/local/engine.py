"""Local index: immutable segments on disk, each with FAISS for vectors and tantivy for words.

The database says which segments are live; the index knows only the files. A reader verifies a segment's contents before
FAISS or tantivy opens it (both load damaged files silently or crash), then keeps it memory-mapped.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from apps.engines.index.local import segment_files
from apps.engines.index.local.lexical_index import LexicalReader, LexicalWriter
from apps.engines.index.local.position_filter import FilterRequest, SegmentIds
from apps.engines.index.local.vector_reader import VectorReader
from apps.engines.index.local.vector_writer import VectorWriter, choose_index_kind, get_faiss_version
from apps.engines.index.scoring import (
    SegmentHit,
    TermWeights,
    extract_query_terms,
    get_lexical_depth,
    merge_candidates,
    weigh_terms,
)
from apps.engines.index.validation import validate_entries, validate_query_vector
from apps.engines.types import EngineBroken, IndexEntry, IndexQuery, IndexResult, Part, SegmentInfo

if TYPE_CHECKING:
    from apps.engines.types import Vectors

_NEVER = -1.0  # cosine of hits that are too low by words to become candidates by them
_OPEN_AT_MOST = 128  # segments; each has a dozen mapped files and a sleeping tantivy thread


class _Segment:
    """Open segment."""

    def __init__(self, folder: Path) -> None:
        self.ids = SegmentIds(folder)
        self.vectors = VectorReader(folder)
        self.words = LexicalReader(folder)

    def search(
        self, row: Vectors, weights: TermWeights, local: dict[str, int], limit: int, filters: FilterRequest, number: int
    ) -> _Hits:
        allowed = None if filters.allows_all else self.ids.filter_positions(filters)
        by_meaning = self.vectors.search(row, limit, allowed)
        by_words = self.words.search(weights, local, get_lexical_depth(limit), allowed)
        cosines = dict(by_meaning)
        lowest = by_words[:limit][-1][1] if by_words else 0.0  # among equal scores `merge_candidates` may take others
        missing = [position for position, score in by_words if score >= lowest and position not in cosines]
        cosines.update(zip(missing, self.vectors.cosines(row, missing), strict=True))
        return (
            [SegmentHit(chunk, cosine, 0.0, number, at) for chunk, (at, cosine) in self._with_chunk_ids(by_meaning)],
            [
                SegmentHit(chunk, cosines.get(at, _NEVER), score, number, at)
                for chunk, (at, score) in self._with_chunk_ids(by_words)
            ],
        )

    def _with_chunk_ids(self, hits: Sequence[tuple[int, float]]) -> Iterable[tuple[int, tuple[int, float]]]:
        """Return each hit with its chunk id; the mapped ids are read together, which takes a tenth of the time."""
        ids: list[int] = self.ids.ids[[at for at, _ in hits]].tolist() if hits else []
        return zip(ids, hits, strict=True)


@cache
def _tantivy_version() -> str:
    return version("tantivy")


_Hits = tuple[list[SegmentHit], list[SegmentHit]]


class LocalIndex:
    """Index in a local folder, with a cache of open segments."""

    def __init__(self, directory: str, open_at_most: int = _OPEN_AT_MOST, kind: str = "") -> None:
        """`kind` is the vector index of every segment written ("flat", "graph" or "lists"); "" chooses it by size."""
        self._directory = Path(directory)
        self._kind = kind
        self._max_open = open_at_most
        self._lock = threading.Lock()  # guards the two below
        self._open_segments: OrderedDict[str, tuple[str, _Segment]] = OrderedDict()  # id -> checksum, segment
        self._verified: dict[str, tuple[str, segment_files.Signature]] = {}
        self._open_lock = threading.Lock()

    def write(self, collection: str, entries: Sequence[IndexEntry], vectors: Vectors, fingerprint: str) -> SegmentInfo:
        return self.build(collection, [(entries, vectors)], len(entries), fingerprint)

    def build(self, collection: str, parts: Iterable[Part], count: int, fingerprint: str) -> SegmentInfo:
        segment = uuid4().hex
        kind = self._kind or choose_index_kind(count)
        with (
            segment_files.open_staging_folder(self._directory, segment) as staging,
            segment_files.open_memory_folder(count) as memory,
        ):
            vectors, words = VectorWriter(staging, kind), LexicalWriter(staging, count, memory)
            for entries, rows in parts:
                vectors.add(
                    [e.chunk_id for e in entries], [e.document for e in entries], validate_entries(entries, rows)
                )
                words.add(entries)
            words.finish()
            stored_count = vectors.finish()
            metadata = {
                "segment": segment,
                "collection": collection,
                "count": stored_count,
                "dimension": vectors.dimension,
                "fingerprint": fingerprint,
                "kind": kind,
                "faiss": get_faiss_version(),
                "tantivy": _tantivy_version(),
            }
            checksum, size = segment_files.seal_segment(staging, metadata)
            segment_files.publish_segment(staging, segment_files.get_segment_path(self._directory, collection, segment))
        return SegmentInfo(segment, collection, stored_count, vectors.dimension, fingerprint, kind, checksum, size)

    def search(self, segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        opened = [self._open(info) for info in segments]
        rows = [validate_query_vector(query.vector, segment.vectors.dimension) for segment in opened]
        terms, filters = extract_query_terms(query.text), FilterRequest(query)
        frequencies_by_segment = [segment.words.frequencies(terms) for segment in opened]
        total_frequencies: Counter[str] = Counter()
        for frequencies in frequencies_by_segment:
            total_frequencies.update(frequencies)
        weights = weigh_terms(terms, total_frequencies, sum(segment.words.count for segment in opened))
        all_by_meaning: list[SegmentHit] = []
        all_by_words: list[SegmentHit] = []
        for number, (segment, row, frequencies) in enumerate(zip(opened, rows, frequencies_by_segment, strict=True)):
            by_meaning, by_words = segment.search(row, weights, frequencies, query.limit, filters, number)
            all_by_meaning += by_meaning
            all_by_words += by_words
        return merge_candidates(
            all_by_meaning, all_by_words, query.limit, weights, lambda found: _vectors(opened, found)
        )

    def drop(self, segments: Sequence[SegmentInfo]) -> None:
        for info in segments:
            self._forget(info.id)
            segment_files.remove_segment(segment_files.get_segment_path(self._directory, info.collection, info.id))

    def sweep(self, live: Sequence[SegmentInfo], older_than_s: float = 3600) -> int:
        orphans = list(segment_files.find_orphans(self._directory, {info.id for info in live}, older_than_s))
        for folder in orphans:
            self._forget(folder.name)
            segment_files.remove_segment(folder)
        segment_files.sweep_memory(older_than_s)
        return len(orphans)

    def verify(self, segment: SegmentInfo) -> bool:
        try:
            segment_files.verify_segment(
                segment_files.get_segment_path(self._directory, segment.collection, segment.id), segment
            )
        except EngineBroken:
            return False
        return True

    def _open(self, info: SegmentInfo) -> _Segment:
        with self._lock:
            cached = self._open_segments.get(info.id)
            if cached is not None and cached[0] == info.checksum:
                self._open_segments.move_to_end(info.id)
                return cached[1]
        with self._open_lock:  # one thread at a time: ten concurrent questions must not verify a segment ten times
            segment = self._verify_and_open(info)
        with self._lock:
            self._open_segments[info.id] = (info.checksum, segment)
            while len(self._open_segments) > self._max_open:
                self._open_segments.popitem(last=False)  # running searches hold their own reference
        return segment

    def _verify_and_open(self, info: SegmentInfo) -> _Segment:
        cached = self._open_segments.get(info.id)
        if cached is not None and cached[0] == info.checksum:
            return cached[1]  # another thread opened it while this one waited
        folder = segment_files.get_segment_path(self._directory, info.collection, info.id)
        try:
            signature = (info.checksum, segment_files.read_signature(folder))
            if self._verified.get(info.id) != signature:
                segment_files.verify_segment(folder, info)
                self._verified[info.id] = signature
            return _Segment(folder)
        except (OSError, RuntimeError, ValueError) as error:  # FAISS raises RuntimeError, tantivy ValueError
            raise segment_files.build_damage_error(info, str(error).partition("\n")[0]) from error

    def _forget(self, segment: str) -> None:
        with self._lock:
            self._open_segments.pop(segment, None)
            self._verified.pop(segment, None)


def _vectors(opened: Sequence[_Segment], hits: Sequence[SegmentHit]) -> Vectors:
    """Return the vectors of the hits, shape (hits, dimension), from the mapped segments, in a tenth of the time that
    the database takes."""
    rows: Vectors = np.empty((len(hits), opened[0].vectors.dimension), np.float32)
    for number, segment in enumerate(opened):
        indexes = [index for index, hit in enumerate(hits) if hit.segment == number]
        if indexes:
            rows[indexes] = segment.vectors.rows([hits[index].position for index in indexes])
    return rows
