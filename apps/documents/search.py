"""The search verb: one question in, passages that this person may read out, best first, cut to the prompt's budget."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from apps.documents import candidates, follow_up, segments
from apps.documents.candidates import Ranked, Scope
from apps.documents.cut import Count, cut, rough_count
from apps.documents.models import Document, Page
from apps.documents.passages import Passage, joined
from apps.engines import registry
from apps.engines.base import EmbedEngine, EngineBroken, EngineRefused, IndexQuery, IndexResult
from apps.lib.threads import in_db, in_pool

if TYPE_CHECKING:
    from apps.documents.models import Reader
    from apps.engines.base import Vectors

log = logging.getLogger(__name__)

_PREFERRED = 1.1  # a question that stands alone keeps its own result unless the completed one is this much better


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, and what it searched, so that "nothing found" can be said honestly."""

    passages: tuple[Passage, ...]  # best first, all above the relevance floor; empty: nothing relevant
    searched: tuple[str, ...]  # names of the collections searched
    documents: int  # ready documents in them; counted only where nothing was found
    waiting: int  # documents in them that are still being ingested; likewise
    query: str  # what was searched, after a follow-up was completed
    vector: Vectors  # of the query
    idf: dict[str, float]  # of the query's terms
    ms: dict[str, float]  # "embed", "index", "read", "cut" in milliseconds


async def search(
    user: Reader,
    question: str,
    *,
    collections: Sequence[UUID] = (),
    history: Sequence[str] = (),
    token_budget: int = 700,
    count: Count | None = None,
    embed: EmbedEngine | None = None,
    vector: Awaitable[Vectors] | None = None,
) -> Found:
    """Searches the named collections (none: all) as far as the person may read them.

    `history` holds the person's earlier questions, oldest first; `count` counts tokens as the model does; `vector` is
    the question's, where the caller has begun it already. Raises EngineError where embedder or index cannot serve.
    """
    engine = embed or registry.embed()
    clock = _Clock()
    queries = follow_up.queries(question, history)
    place, vectors = await asyncio.gather(
        in_db(candidates.scope, user, collections),
        _embedded(engine, [query.text for query in queries], vector),
    )
    clock.stop("embed")
    best = _Try(queries[0], vectors[0], IndexResult((), {}), Ranked((), {}))
    for query, row in zip(queries, vectors, strict=True):
        result = await _indexed(place, engine, query.text, row)
        clock.stop("index")
        found = _Try(query, row, result, await in_db(candidates.ranked, user, query.text, result))
        clock.stop("read")
        best = _better(best, found)
    # A third of a millisecond, which a hop to another thread and back would lengthen by half.
    passages = cut(best.ranked.windows, best.ranked.pages, best.result.idf, token_budget, count or rough_count)
    clock.stop("cut")
    documents, waiting = (0, 0) if passages else await in_db(candidates.counted, place.collections)
    return Found(
        tuple(passages), tuple(sorted(place.collections.values())), documents, waiting, best.query.text,
        best.vector, best.result.idf, clock.ms,
    )  # fmt: skip


def read(user: Reader, places: Sequence[tuple[UUID | None, int, list[list[int]]]]) -> list[str | None]:
    """The text at each place (document, page, spans); None where this person may not read it, or it is gone."""
    documents = {document for document, _, _ in places if document is not None}
    visible = Document.objects.visible_to(user).filter(pk__in=documents).values("pk")
    numbers = {number for _, number, _ in places}
    pages = {
        (document, number): text
        for document, number, text in Page.objects.filter(document__in=visible, number__in=numbers)
        .order_by()
        .values_list("document_id", "number", "text")
    }
    return [_text(pages.get((document, number)) if document else None, spans) for document, number, spans in places]


def _text(page: str | None, spans: list[list[int]]) -> str | None:
    """The spans' text; None where the page no longer reaches that far."""
    if page is None or any(not 0 <= start < end <= len(page) for start, end in spans):
        return None
    return joined(page, [(start, end) for start, end in spans])


@dataclass(frozen=True, slots=True)
class _Try:
    query: follow_up.Query
    vector: Vectors
    result: IndexResult
    ranked: Ranked


class _Clock:
    """Milliseconds by stage, from one stop to the next."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def stop(self, stage: str) -> None:
        now = time.perf_counter()
        self.ms[stage] = self.ms.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now


def _better(best: _Try, found: _Try) -> _Try:
    """The completed question's result where it is clearly better, the question's own otherwise."""
    return found if not best.ranked.windows or found.ranked.relevance > _PREFERRED * best.ranked.relevance else best


async def _embedded(engine: EmbedEngine, texts: Sequence[str], vector: Awaitable[Vectors] | None) -> list[Vectors]:
    """The vector of each text; that of the first may be on its way already."""
    first = vector if vector is not None else in_pool(engine.embed_query, texts[0])
    return list(await asyncio.gather(first, *(in_pool(engine.embed_query, text) for text in texts[1:])))


async def _indexed(place: Scope, engine: EmbedEngine, text: str, vector: Vectors) -> IndexResult:
    """Candidates of all sound segments. A damaged one is left out and logged, and its collection will be rebuilt."""
    live = list(place.segments)
    foreign = [s for s in live if (s.fingerprint, s.dimension) != (engine.fingerprint, engine.dimension)]
    if foreign:
        names = sorted({place.collections[UUID(segment.collection)] for segment in foreign})
        raise EngineRefused(
            f"{' and '.join(names)} was indexed with another embedder than the one configured now. "
            "Rebuild it with `manage.py reindex`."
        )
    while live:
        try:
            return await in_pool(registry.index().search, live, IndexQuery(text, vector))
        except EngineBroken as error:
            damaged = [segment for segment in live if segment.id in str(error)]
            if not damaged:
                raise
            log.error("%s", error)
            await in_db(segments.ask_for_rebuild, [segment.id for segment in damaged], str(error))
            live = [segment for segment in live if segment not in damaged]
    return IndexResult((), {})
