"""From a question's candidates in the index to rows that the person may read, ranked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, F

from apps.documents.models import Chunk, Collection, Document, Page, Segment
from apps.documents.passages import REACH, Hit, Neighbour, Window, chosen, text_terms, windows
from apps.documents.relevance import coverage, floor, relevance
from apps.engines.base import Candidate, IndexResult, SegmentInfo

if TYPE_CHECKING:
    from apps.documents.models import Reader

_DENSE = 0.7  # weight of meaning in the fusion; words get the rest
_DENSE_EXACT = 0.5  # for questions that name something exactly
_EXACT = re.compile(r"\d|[\"“”„«»`]|\b[A-Z]{2,}\b|\b\w+[_./\\-]\w+[_./\\-]\w|\b[a-z]+[A-Z]\w*|\w_\w|\w\(\)")
_BATCH = 10  # rows a time; further ones only where documents were deleted since, or say the same
AT_MOST = 8  # passages

_OWN = (
    "pk", "document__title", "document__name", "position", "page_number", "heading", "char_start", "char_end", "text",
    "document_id", "document__collection_id", "document__kind",
)  # fmt: skip
_BESIDE = ("position", "page_number", "heading", "char_start", "char_end")


@dataclass(frozen=True, slots=True)
class Scope:
    """What one person may search now."""

    collections: dict[UUID, str]
    segments: tuple[SegmentInfo, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Windows worth reading for one query, best first, and the pages that they are read from."""

    windows: tuple[Window, ...]
    pages: dict[tuple[UUID, int], str]

    @property
    def relevance(self) -> float:
        return max((window.hit.relevance for window in self.windows), default=0.0)


def scope(user: Reader, wanted: Sequence[UUID]) -> Scope:
    """The collections that this person may read (of those wanted, if any), and their live segments."""
    visible = Collection.objects.visible_to(user)
    if wanted:
        visible = visible.filter(pk__in=wanted)
    collections = dict(visible.values_list("pk", "name"))
    segments = tuple(segment.info for segment in Segment.objects.live().filter(collection__in=collections))
    return Scope(collections, segments)


def counted(collections: Iterable[UUID]) -> tuple[int, int]:
    """How many documents of these collections are ready, and how many are still being ingested."""
    statuses = (
        Document.objects.filter(collection__in=list(collections), status__in=[Document.Status.READY, *Document.ACTIVE])
        .order_by()
        .values_list("status")
        .annotate(count=Count("pk"))
    )
    counts: dict[str, int] = dict(statuses)
    ready = counts.pop(Document.Status.READY, 0)
    return ready, sum(counts.values())


def fused(question: str, candidates: Sequence[Candidate]) -> list[tuple[float, Candidate]]:
    """Every candidate with one score from meaning and words, best first."""
    dense = _DENSE_EXACT if _EXACT.search(question) else _DENSE
    cosines = _scaled([candidate.cosine for candidate in candidates])
    words = _scaled([candidate.bm25 for candidate in candidates])
    scores = [dense * cosine + (1 - dense) * word for cosine, word in zip(cosines, words, strict=True)]
    return sorted(zip(scores, candidates, strict=True), key=lambda pair: (-pair[0], pair[1].chunk_id))


def ranked(user: Reader, question: str, result: IndexResult) -> Ranked:
    """The windows of the best candidates that are still there, may be read, and are relevant."""
    hits: list[Hit] = []
    neighbours: list[Neighbour] = []
    kept: list[Hit] = []
    order = fused(question, result.candidates)
    for start in range(0, len(order), _BATCH):
        part = order[start : start + _BATCH]
        rows = _rows(user, [candidate.chunk_id for _, candidate in part])
        neighbours += [near for row in rows.values() for near in row.neighbours]
        for score, candidate in part:
            if candidate.chunk_id in rows:
                hits.append(_hit(rows[candidate.chunk_id], score, candidate, result))
        least = floor(max((hit.relevance for hit in hits), default=0.0))
        relevant = [hit for hit in hits if hit.relevance >= least]
        kept = chosen(relevant, AT_MOST)
        if len(kept) == AT_MOST or (len(rows) == len(part) and len(kept) == len(relevant)):
            break  # enough; or nothing was deleted or repeated, and what follows is worse
    found = windows(kept, neighbours)
    return Ranked(tuple(found), _pages({window.page for window in found}))


def _scaled(values: Sequence[float]) -> list[float]:
    least, most = min(values, default=0.0), max(values, default=0.0)
    return [(value - least) / (most - least) if most > least else 0.0 for value in values]


@dataclass(slots=True)
class _Row:
    """A chunk's row with its document's, and where it and the chunks beside it stand."""

    document_id: UUID
    collection_id: UUID
    title: str
    kind: str
    position: int
    page_number: int
    heading: str
    start: int
    end: int
    text: str
    neighbours: list[Neighbour]


def _rows(user: Reader, ids: Sequence[int]) -> dict[int, _Row]:
    """Rows decide: a candidate whose document was deleted, hidden or unshared since has none. One query, with the
    chunks beside each."""
    found: dict[int, _Row] = {}
    near = {"document__chunks__position__range": (F("position") - REACH, F("position") + REACH)}
    query = Chunk.objects.searchable().visible_to(user).filter(pk__in=ids, **near).order_by()
    for (
        pk,
        title,
        name,
        position,
        page,
        heading,
        start,
        end,
        text,
        document,
        collection,
        kind,
        *beside,
    ) in query.values_list(*_OWN, *(f"document__chunks__{name}" for name in _BESIDE)):
        row = found.get(pk)
        if row is None:
            row = found[pk] = _Row(
                document, collection, title or name, kind, position, page, heading, start, end, text, []
            )  # fmt: skip
        row.neighbours.append(Neighbour(document, *beside))
    return found


def _hit(row: _Row, score: float, candidate: Candidate, result: IndexResult) -> Hit:
    text = text_terms(row.text)
    words = text | text_terms(row.title, row.heading)
    covered, in_text = coverage(result.idf, words), coverage(result.idf, text)
    return Hit(
        chunk_id=candidate.chunk_id, document_id=row.document_id, collection_id=row.collection_id, title=row.title,
        kind=row.kind, position=row.position, page_number=row.page_number, heading=row.heading, start=row.start,
        end=row.end, text=row.text, terms=words, cosine=candidate.cosine, bm25=candidate.bm25, score=score,
        relevance=relevance(candidate.cosine, covered, in_text),
    )  # fmt: skip


def _pages(wanted: Iterable[tuple[UUID, int]]) -> dict[tuple[UUID, int], str]:
    wanted = set(wanted)
    if not wanted:
        return {}
    rows = Page.objects.filter(document__in={pk for pk, _ in wanted}, number__in={number for _, number in wanted})
    return {
        (document, number): text
        for document, number, text in rows.order_by().values_list("document_id", "number", "text")
        if (document, number) in wanted
    }
