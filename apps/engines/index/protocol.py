"""Contract of a search index. All names are imported from `apps.engines.types`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from apps.engines.types import Vectors


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """Chunk to be indexed. For words, `title` counts more than `heading` and `text`."""

    chunk_id: int
    text: str
    title: str = ""
    heading: str = ""
    document: str = ""  # UUID hex; searches may be restricted to documents


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """Immutable, durable set of chunks. The caller records it; only recorded segments are searched."""

    id: str  # UUID hex
    collection: str  # UUID hex
    count: int
    dimension: int
    fingerprint: str  # of the embedder
    kind: str  # kind of vector index: "flat" | "graph" | "lists" | a server's own name
    checksum: str  # SHA-256 over its contents, checked before it is opened
    size_bytes: int
    backend: str = ""  # name of the index that holds it; "": the configured one


CANDIDATES = 60  # candidates wanted by words and by vectors, each


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """Query for words and vectors."""

    text: str
    vector: Vectors  # shape (dimension,)
    limit: int = CANDIDATES  # candidates wanted by words and by vectors, each
    documents: frozenset[str] | None = None  # UUID hex: only their chunks are candidates; None: all documents
    excluded_chunks: frozenset[int] = frozenset()  # chunks that are excluded: deleted since, or disabled


@dataclass(frozen=True, slots=True)
class Candidate:
    """Chunk found by words, by its vector, or both. Scores are raw: fusion is left to the caller."""

    chunk_id: int
    cosine: float  # always set, also for chunks found by words only
    bm25: float  # 0.0 if not among the best 2 * limit by words; comparable across segments (global frequencies)


@dataclass(frozen=True, slots=True)
class IndexResult:
    """Candidates of a search, in descending order of cosine."""

    candidates: tuple[Candidate, ...]
    idf: dict[str, float]  # query term (stemmed) -> inverse document frequency over the searched segments
    # Shape (candidates, dimension), as stored in the index, if reading them is cheap; None: the caller reads them.
    vectors: Vectors | None = field(default=None, compare=False)


Part: TypeAlias = "tuple[Sequence[IndexEntry], Vectors]"


class Index(Protocol):
    """Search index. Sync; `search` is thread-safe, `write` and `build` are called by one process per collection at a
    time."""

    def write(self, collection: str, entries: Sequence[IndexEntry], vectors: Vectors, fingerprint: str) -> SegmentInfo:
        """Write a segment. Durable on return (files synced and renamed), searched only once the caller records it.
        `vectors` has shape (entries, dimension). Raise EngineRefused for vectors that are not finite, not of unit
        length or of another shape, and for repeated chunks."""

    def build(self, collection: str, parts: Iterable[Part], count: int, fingerprint: str) -> SegmentInfo:
        """Write a segment that does not fit memory: like `write`, with the parts read one by one. `count` is the
        expected number of entries, which chooses the kind of vector index."""

    def search(self, segments: Sequence[SegmentInfo], query: IndexQuery) -> IndexResult:
        """Return the candidates over exactly these segments, as if excluded chunks did not exist. Raise EngineBroken,
        with the segment id in the message, if a segment is damaged; EngineRefused for a query vector of another
        dimension."""

    def drop(self, segments: Sequence[SegmentInfo]) -> None:
        """Free the segments' space. Dropping a missing segment is no error."""

    def sweep(self, live: Sequence[SegmentInfo], older_than_s: float = 3600) -> int:
        """Remove segments that are not in `live` and older than `older_than_s` seconds. Return their number."""

    def verify(self, segment: SegmentInfo) -> bool:
        """Return whether the segment's contents are complete and match the checksum."""
