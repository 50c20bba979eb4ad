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
from apps.engines.index.local.lexical_index import Frequencies, LexicalReader, LexicalWriter
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
        self.holdings = SegmentIds(folder)
        self.vectors = VectorReader(folder)
        self.words = LexicalReader(folder)

    def search(
        self, row: Vectors, weights: TermWeights, local: Frequencies, limit: int, wanted: FilterRequest, number: int
    ) -> _Hits:
        allowed = None if wanted.everything else self.holdings.allowed(wanted)
        meaning = self.vectors.search(row, limit, allowed)
        worded = self.words.search(weights, local, get_lexical_depth(limit), allowed)
        known = dict(meaning)
        least = worded[:limit][-1][1] if worded else 0.0  # among equal scores `merge_candidates` may take others
        missing = [position for position, score in worded if score >= least and position not in known]
        known.update(zip(missing, self.vectors.cosines(row, missing), strict=True))
        return (
            [SegmentHit(chunk, cosine, 0.0, number, at) for chunk, (at, cosine) in self._named(meaning)],
            [SegmentHit(chunk, known.get(at, _NEVER), score, number, at) for chunk, (at, score) in self._named(worded)],
        )

    def _named(self, hits: Sequence[tuple[int, float]]) -> Iterable[tuple[int, tuple[int, float]]]:
        """Return each hit with its chunk id; the mapped ids are read together, which takes a tenth of the time."""
        ids: list[int] = self.holdings.ids[[at for at, _ in hits]].tolist() if hits else []
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
        self._open_at_most = open_at_most
        self._lock = threading.Lock()  # guards the two below
        self._opened: OrderedDict[str, tuple[str, _Segment]] = OrderedDict()  # id -> checksum, segment
        self._checked: dict[str, tuple[str, segment_files.Signature]] = {}
        self._opening = threading.Lock()

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
            held = vectors.finish()
            facts = {
                "segment": segment,
                "collection": collection,
                "count": held,
                "dimension": vectors.dimension,
                "fingerprint": fingerprint,
                "kind": kind,
                "faiss": get_faiss_version(),
                "tantivy": _tantivy_version(),
            }
            checksum, size = segment_files.seal_segment(staging, facts)
            segment_files.publish_segment(staging, segment_files.get_segment_path(self._directory, collection, segment))
        return SegmentInfo(segment, collection, held, vectors.dimension, fingerprint, kind, checksum, size)

    def search(self, segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        opened = [self._open(info) for info in segments]
        rows = [validate_query_vector(query.vector, segment.vectors.dimension) for segment in opened]
        terms, wanted = extract_query_terms(query.text), FilterRequest(query)
        local = [segment.words.frequencies(terms) for segment in opened]
        common: Counter[tuple[str, str]] = Counter()
        for frequencies in local:
            common.update(frequencies)
        weights = weigh_terms(terms, common, sum(segment.words.count for segment in opened))
        meaning: list[SegmentHit] = []
        worded: list[SegmentHit] = []
        for number, (segment, row, frequencies) in enumerate(zip(opened, rows, local, strict=True)):
            by_meaning, by_words = segment.search(row, weights, frequencies, query.limit, wanted, number)
            meaning += by_meaning
            worded += by_words
        return merge_candidates(meaning, worded, query.limit, weights, lambda found: _vectors(opened, found))

    def drop(self, segments: Sequence[SegmentInfo]) -> None:
        for info in segments:
            self._forget(info.id)
            segment_files.remove_segment(segment_files.get_segment_path(self._directory, info.collection, info.id))

    def sweep(self, live: Sequence[SegmentInfo], older_than_s: float = 3600) -> int:
        gone = list(segment_files.find_orphans(self._directory, {info.id for info in live}, older_than_s))
        for folder in gone:
            self._forget(folder.name)
            segment_files.remove_segment(folder)
        segment_files.sweep_memory(older_than_s)
        return len(gone)

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
            kept = self._opened.get(info.id)
            if kept is not None and kept[0] == info.checksum:
                self._opened.move_to_end(info.id)
                return kept[1]
        with self._opening:  # one thread at a time: ten concurrent questions must not verify a segment ten times
            segment = self._checked_and_opened(info)
        with self._lock:
            self._opened[info.id] = (info.checksum, segment)
            while len(self._opened) > self._open_at_most:
                self._opened.popitem(last=False)  # running searches hold their own reference
        return segment

    def _checked_and_opened(self, info: SegmentInfo) -> _Segment:
        kept = self._opened.get(info.id)
        if kept is not None and kept[0] == info.checksum:
            return kept[1]  # another thread opened it while this one waited
        folder = segment_files.get_segment_path(self._directory, info.collection, info.id)
        try:
            seen = (info.checksum, segment_files.read_signature(folder))
            if self._checked.get(info.id) != seen:
                segment_files.verify_segment(folder, info)
                self._checked[info.id] = seen
            return _Segment(folder)
        except (OSError, RuntimeError, ValueError) as error:  # FAISS raises RuntimeError, tantivy ValueError
            raise segment_files.build_damage_error(info, str(error).partition("\n")[0]) from error

    def _forget(self, segment: str) -> None:
        with self._lock:
            self._opened.pop(segment, None)
            self._checked.pop(segment, None)


def _vectors(opened: Sequence[_Segment], found: Sequence[SegmentHit]) -> Vectors:
    """Return the vectors of the hits, shape (hits, dimension), from the mapped segments, in a tenth of the time that
    the database takes."""
    rows: Vectors = np.empty((len(found), opened[0].vectors.dimension), np.float32)
    for number, segment in enumerate(opened):
        at = [place for place, one in enumerate(found) if one.segment == number]
        if at:
            rows[at] = segment.vectors.rows([found[place].position for place in at])
    return rows
