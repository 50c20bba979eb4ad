"""The contract of an index: what it is given, what it finds. All of it is imported from `apps.engines.types`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from apps.engines.types import Vectors


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One chunk as the index sees it. `title` and `heading` are weighted above `text` for words."""

    chunk_id: int
    text: str
    title: str = ""
    heading: str = ""
    document: str = ""  # UUID hex; what a search may be narrowed to


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """An immutable, durable set of chunks. The caller records it; only recorded segments are searched."""

    id: str  # UUID hex
    collection: str  # UUID hex
    count: int
    dimension: int
    fingerprint: str  # of the embedder
    kind: str  # how its vectors are kept: "flat" | "graph" | "lists" | what a server calls it
    checksum: str  # SHA-256 over all its files, checked before it is opened
    size_bytes: int
    backend: str = ""  # name of the index that holds it; empty: the only one there is


CANDIDATES = 60  # that a question wants from words and from vectors, each


@dataclass(frozen=True, slots=True)
class IndexQuery:
    text: str
    vector: Vectors  # shape (dimension,)
    limit: int = CANDIDATES  # wanted from words and from vectors, each
    documents: frozenset[str] | None = None  # UUID hex: only their chunks are candidates; None: those of all
    hidden: frozenset[int] = frozenset()  # chunks that are none: deleted since, or switched off


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk found by words, by meaning, or both. Scores are raw: fusion is the caller's."""

    chunk_id: int
    cosine: float  # always filled in, also for chunks that only words found
    bm25: float  # 0.0 where it is not among the best 2 * limit by words; comparable across segments (global frequency)


@dataclass(frozen=True, slots=True)
class IndexResult:
    candidates: tuple[Candidate, ...]
    idf: dict[str, float]  # query term (stemmed) -> inverse document frequency over the searched segments
    vectors: Vectors | None = field(default=None, compare=False)  # shape (candidates, dimension), as the index holds
    # them, where it has them at hand; None: who needs them reads them


Part: TypeAlias = "tuple[Sequence[IndexEntry], Vectors]"


class Index(Protocol):
    """Sync, thread-safe for search; `write` and `merge` by one process per collection at a time."""

    def write(self, collection: str, entries: Sequence[IndexEntry], vectors: Vectors, fingerprint: str) -> SegmentInfo:
        """Durable on return (files fsynced and renamed), visible to nobody until the caller records it.
        Refuses what is not finite, of wrong dimension, or repeated (EngineRefused)."""

    def build(self, collection: str, parts: Iterable[Part], count: int, fingerprint: str) -> SegmentInfo:
        """As `write`, for more than fits memory: the parts are read one by one. `count` says how many entries are
        expected in all, and chooses the kind."""

    def search(self, segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        """Candidates over exactly these segments, as if the chunks that the query leaves out were not there.
        Raises EngineBroken(segment id in message) when one is damaged."""

    def drop(self, segments: Sequence[SegmentInfo]) -> None:
        """Frees their space. Dropping what is gone already is no error."""

    def sweep(self, live: Sequence[SegmentInfo], older_than_s: float = 3600) -> int:
        """Removes files of segments not in `live` and older than that; returns how many."""

    def verify(self, segment: SegmentInfo) -> bool:
        """Whether the files are all there and match the checksum."""
