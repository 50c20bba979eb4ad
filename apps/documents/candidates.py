"""From a question's candidates in the index to rows that the person may read, ranked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count

from apps.documents.models import Chunk, Collection, Document, Page, Segment
from apps.documents.passages import Hit, Neighbour, Window, chosen, positions, text_terms, windows
from apps.documents.relevance import FLOOR, coverage, relevance
from apps.engines.base import Candidate, IndexResult, SegmentInfo

if TYPE_CHECKING:
    from apps.documents.models import Reader

_DENSE = 0.7  # weight of meaning in the fusion; words get the rest
_DENSE_EXACT = 0.5  # for questions that name something exactly
_EXACT = re.compile(r"\d|[\"“”„«»`]|\b[A-Z]{2,}\b|\b\w+[_./\\-]\w+[_./\\-]\w|\b[a-z]+[A-Z]\w*|\w_\w|\w\(\)")
_BATCH = 24  # rows a time; a deleted document's rows may still hold places among the candidates
AT_MOST = 8  # passages


@dataclass(frozen=True, slots=True)
class Scope:
    """What one person may search now."""

    collections: dict[UUID, str]
    segments: tuple[SegmentInfo, ...]
    documents: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """Windows worth reading for one query, best first, and the pages that they are read from."""

    windows: tuple[Window, ...]
    pages: dict[tuple[UUID, int], str]

    @property
    def relevance(self) -> float:
        return max((window.hit.relevance for window in self.windows), default=0.0)


def scope(user: Reader, wanted: Sequence[UUID]) -> Scope:
    """The collections that this person may read (of those wanted, if any), their live segments and documents."""
    visible = Collection.objects.visible_to(user)
    if wanted:
        visible = visible.filter(pk__in=wanted)
    collections = dict(visible.values_list("pk", "name"))
    segments = tuple(segment.info for segment in Segment.objects.live().filter(collection__in=collections))
    statuses = list(
        Document.objects.filter(collection__in=collections, status__in=[Document.Status.READY, *Document.ACTIVE])
        .order_by()
        .values_list("status")
        .annotate(count=Count("pk"))
    )
    ready = sum(count for status, count in statuses if status == Document.Status.READY)
    return Scope(collections, segments, ready, sum(count for _, count in statuses) - ready)


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
    order = fused(question, result.candidates)
    for start in range(0, len(order), _BATCH):
        hits += _hits(user, order[start : start + _BATCH], result)
        if len(hits) >= AT_MOST:
            break
    kept = chosen([hit for hit in hits if hit.relevance >= FLOOR], AT_MOST)
    if not kept:
        return Ranked((), {})
    found = windows(kept, _neighbours(kept))
    return Ranked(tuple(found), _pages({window.page for window in found}))


def _scaled(values: Sequence[float]) -> list[float]:
    least, most = min(values, default=0.0), max(values, default=0.0)
    return [(value - least) / (most - least) if most > least else 0.0 for value in values]


def _hits(user: Reader, order: Sequence[tuple[float, Candidate]], result: IndexResult) -> list[Hit]:
    """Rows decide: a candidate whose document was deleted, hidden or unshared since is no hit."""
    rows = {
        chunk.pk: chunk
        for chunk in Chunk.objects.searchable()
        .visible_to(user)
        .filter(pk__in=[candidate.chunk_id for _, candidate in order])
        .select_related("document")
        .defer("vector", "document__reason")
    }
    return [
        _hit(rows[candidate.chunk_id], score, candidate, result)
        for score, candidate in order
        if candidate.chunk_id in rows
    ]


def _hit(chunk: Chunk, score: float, candidate: Candidate, result: IndexResult) -> Hit:
    document = chunk.document
    title = str(document)
    words = text_terms(title, chunk.heading, chunk.text)
    return Hit(
        chunk_id=chunk.pk, document_id=document.pk, collection_id=document.collection_id, title=title,
        kind=document.kind, position=chunk.position, page_number=chunk.page_number, heading=chunk.heading,
        start=chunk.char_start, end=chunk.char_end, text=chunk.text, terms=words, cosine=candidate.cosine,
        bm25=candidate.bm25, score=score, relevance=relevance(candidate.cosine, coverage(result.idf, words)),
    )  # fmt: skip


def _neighbours(hits: Iterable[Hit]) -> list[Neighbour]:
    wanted = positions(hits)
    rows = Chunk.objects.filter(document__in=wanted, position__in=set().union(*wanted.values())).order_by()
    fields = ("document_id", "position", "page_number", "heading", "char_start", "char_end")
    return [Neighbour(*row) for row in rows.values_list(*fields)]


def _pages(wanted: Iterable[tuple[UUID, int]]) -> dict[tuple[UUID, int], str]:
    wanted = set(wanted)
    rows = Page.objects.filter(document__in={pk for pk, _ in wanted}, number__in={number for _, number in wanted})
    return {
        (document, number): text
        for document, number, text in rows.order_by().values_list("document_id", "number", "text")
        if (document, number) in wanted
    }
