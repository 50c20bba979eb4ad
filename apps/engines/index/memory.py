"""In-memory index for tests: NumPy and dictionaries, exact. Passes the contract tests of the real ones."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from apps.engines.index.scoring import (
    K1,
    B,
    SegmentHit,
    TermWeights,
    compose_indexed_text,
    extract_query_terms,
    merge_candidates,
    weigh_terms,
)
from apps.engines.index.validation import concatenate_parts, validate_entries, validate_query_vector
from apps.engines.types import EngineBroken, IndexEntry, IndexQuery, IndexResult, Part, SegmentInfo
from apps.lib.text.analyzer import extract_terms

if TYPE_CHECKING:
    from apps.engines.types import Vectors


@dataclass
class _Segment:
    ids: list[int]
    documents: list[str]
    vectors: Vectors
    words: list[Counter[str]]  # term counts per entry
    checksum: str
    written: float = field(default_factory=time.monotonic)

    def frequency(self, term: str) -> int:
        return sum(term in counts for counts in self.words)


class MemoryIndex:
    """Index that ends with its process."""

    def __init__(self, directory: str = "") -> None:
        self._segments: dict[str, _Segment] = {}
        self._lock = threading.Lock()

    def write(self, collection: str, entries: Sequence[IndexEntry], vectors: Vectors, fingerprint: str) -> SegmentInfo:
        rows = validate_entries(entries, vectors)
        words = [Counter(extract_terms(compose_indexed_text(entry))) for entry in entries]
        checksum = hashlib.sha256(rows.tobytes() + repr(entries).encode()).hexdigest()
        segment, documents = uuid4().hex, [entry.document for entry in entries]
        with self._lock:
            self._segments[segment] = _Segment([e.chunk_id for e in entries], documents, rows.copy(), words, checksum)
        return SegmentInfo(
            segment, collection, len(entries), rows.shape[1], fingerprint, "memory", checksum, rows.nbytes
        )

    def build(self, collection: str, parts: Iterable[Part], count: int, fingerprint: str) -> SegmentInfo:
        return self.write(collection, *concatenate_parts(parts), fingerprint)

    def search(self, segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        opened = [self._open(info) for info in segments]
        terms = extract_query_terms(query.text)
        frequencies = {term: sum(segment.frequency(term) for segment in opened) for term in terms}
        weights = weigh_terms(terms, frequencies, sum(len(segment.ids) for segment in opened))
        found = [entry for segment in opened for entry in _scored(segment, query, weights)]
        return merge_candidates(found, [entry for entry in found if entry.bm25], query.limit, weights)

    def drop(self, segments: Sequence[SegmentInfo]) -> None:
        with self._lock:
            for info in segments:
                self._segments.pop(info.id, None)

    def sweep(self, live: Sequence[SegmentInfo], older_than_s: float = 3600) -> int:
        live_ids = {info.id for info in live}
        limit = time.monotonic() - older_than_s
        with self._lock:
            expired = [
                key for key, segment in self._segments.items() if key not in live_ids and segment.written <= limit
            ]
            for key in expired:
                del self._segments[key]
        return len(expired)

    def verify(self, segment: SegmentInfo) -> bool:
        kept = self._segments.get(segment.id)
        return kept is not None and kept.checksum == segment.checksum

    def _open(self, info: SegmentInfo) -> _Segment:
        if not self.verify(info):
            raise EngineBroken(
                f"The index segment {info.id} is missing or damaged. Rebuild it with `manage.py reindex`."
            )
        return self._segments[info.id]


def _scored(segment: _Segment, query: IndexQuery, weights: TermWeights) -> Iterator[SegmentHit]:
    """Yield every chunk that the query allows, with both scores."""
    cosines = segment.vectors @ validate_query_vector(query.vector, segment.vectors.shape[1])[0]
    average_length = sum(counts.total() for counts in segment.words) / len(segment.words)
    for position, (chunk_id, document) in enumerate(zip(segment.ids, segment.documents, strict=True)):
        if chunk_id not in query.excluded_chunks and (query.documents is None or document in query.documents):
            yield SegmentHit(
                chunk_id, float(cosines[position]), _bm25(segment.words[position], average_length, weights)
            )


def _bm25(words: Counter[str], average_length: float, weights: TermWeights) -> float:
    score = 0.0
    for term, weight in weights.scored.items():
        if count := words[term]:
            score += weight * (K1 + 1) * count / (count + K1 * (1 - B + B * words.total() / average_length))
    return score
