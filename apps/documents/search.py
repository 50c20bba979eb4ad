"""The search verb: one question in, passages that this person may read out, best first, cut to the prompt's budget."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING
from uuid import UUID

from apps.documents import candidates, embedders, follow_up, reranking, spaces, spelling
from apps.documents.candidates import Ranked, Scope, Seen
from apps.documents.cut import Count, cut, rough_count
from apps.documents.filters import EVERYTHING, Filters
from apps.documents.follow_up import Query
from apps.documents.models import Document, Page
from apps.documents.passages import Hit, Passage, joined
from apps.documents.spaces import Wanted
from apps.documents.tuning import DEFAULT, Tuning, together
from apps.engines import registry
from apps.engines.base import CANDIDATES, EngineBroken
from apps.lib.threads import Begun, begin, in_db

if TYPE_CHECKING:
    from apps.documents.models import Reader
    from apps.engines.base import Vectors

log = logging.getLogger(__name__)

_ROUNDS = 12  # in which the index is asked again; together they pass over some 40,000 chunks that are gone
_WIDEST = 3840  # candidates, among which those that are gone are looked for
NEAREST = candidates.NEAREST
_PREFERRED = 1.1  # a question that stands alone keeps its own result unless the completed one is this much better


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, and what it searched, so that "nothing found" can be said honestly."""

    passages: tuple[Passage, ...]  # best first, all above the relevance floor; empty: nothing relevant
    searched: tuple[str, ...]  # names of the collections searched
    documents: int  # ready documents in them that the filters let through; counted only where nothing was found
    waiting: int  # documents in them that are still being ingested, whatever the filters; likewise
    query: str  # what was searched, after a follow-up was completed
    vector: Vectors  # of the query, by the site's own embedder
    idf: dict[str, float]  # of the query's terms
    ms: dict[str, float]  # "embed", "index", "read", "cut", and "rewrite" where that was waited for, in milliseconds
    hits: tuple[Hit, ...] = ()  # all that was weighed, best first, also what was then dropped
    least: float = 0.0  # relevance below which a hit was dropped
    left_out: tuple[str, ...] = ()  # names of collections that another embedder indexed, in part or in whole
    just_added: int = 0  # of `waiting`, those that the user added a moment ago
    nearest: tuple[Passage, ...] = ()  # where no passage is relevant, the two that come nearest
    respelt: Mapping[str, str] = field(default_factory=dict)  # misspelt words, and what was searched for instead


async def search(
    user: Reader,
    question: str,
    *,
    collections: Sequence[UUID] = (),
    history: Sequence[str] = (),
    token_budget: int = 700,
    count: Count | None = None,
    scope: Scope | None = None,
    vector: Begun[Vectors] | None = None,
    rewritten: Awaitable[str] | None = None,
    filters: Filters | None = None,
) -> Found:
    """Searches the named collections (none: all) as far as the person may read them, and `filters` let through.

    `history` holds the person's earlier questions, oldest first; `count` counts tokens as the model does. Where the
    caller knows already, `scope` is what is searched at this moment, filters included, and `vector` becomes the
    question's; `rewritten` becomes another wording of it that stands alone, or "".
    Raises EngineError where embedder or index cannot serve.
    """
    clock = _Clock()
    queries = follow_up.queries(question, history)
    vectors = _embedded([query.text for query in queries], vector)
    place = await _scope(user, collections, scope, filters)
    best = await _tried(user, place, _also(queries, vectors, rewritten, clock), clock)
    # A third of a millisecond, which a hop to another thread and back would lengthen by half.
    passages = cut(best.ranked.windows, best.ranked.pages, best.seen.idf, token_budget, count or rough_count)
    nearest = () if passages else cut(best.ranked.nearest, best.ranked.pages, best.seen.idf, token_budget, rough_count)
    clock.stop("cut")
    documents, waiting, just_added = (0, 0, 0) if passages else await in_db(candidates.counted, user, place)
    return Found(
        tuple(passages), spaces.searched(place, best.seen), documents, waiting, best.query.text,
        best.vector, best.seen.idf, clock.ms, best.ranked.hits, best.ranked.least, spaces.left_out(place, best.seen),
        just_added, tuple(nearest), best.respelt,
    )  # fmt: skip


async def count_documents(
    user: Reader, found: Found, collections: Sequence[UUID], filters: Filters | None = None
) -> Found:
    """Return the same with its counts of documents, which `search` leaves out where it found passages."""
    place = await _scope(user, collections, None, filters)
    documents, waiting, just_added = await in_db(candidates.counted, user, place)
    return replace(found, documents=documents, waiting=waiting, just_added=just_added)


def list_languages_by_words(user: Reader, collections: Sequence[UUID]) -> list[str]:
    """Return the codes of the languages in what was searched that its embedder does not know. For `in_db`."""
    return embedders.languages_by_words(candidates.scope(user, collections).collections)


async def ranking(user: Reader, question: str, collections: Sequence[UUID], vector: Vectors) -> list[UUID]:
    """All documents that a search weighs, best first, whether they reach the relevance floor or not: for measurements.
    Raises as `search` does."""
    place = await _scope(user, collections)
    wanted = Wanted(question, begin(lambda: vector), _Clock().stop)
    seen = await spaces.looked_up(place, wanted)
    if respelt := await _respelt(place, wanted, seen):
        question = spelling.replace_words(question, respelt)
        seen = await spaces.looked_up(place, replace(wanted, text=question, vector=_embedded([question], None)[0]))
    order: reranking.Order = await in_db(candidates.ordered, seen, together(_tunings(place)))
    if registry.rank().active:
        order = await reranking.reordered(user, question, order)
    return await in_db(candidates.documents, user, order)


def read(
    user: Reader, places: Sequence[tuple[UUID | None, int, list[list[int]]]], *, for_answers: bool = False
) -> list[str | None]:
    """The text at each place (document, page, spans); None where this person may not read it, or it is gone.
    `for_answers` is without what a reviewer took out of every answer: people still read that, models do not."""
    wanted = {(document, number) for document, number, _ in places if document is not None}
    pages = page_texts(user, wanted, for_answers=for_answers)
    return [_text(pages.get((document, number)) if document else None, spans) for document, number, spans in places]


def page_texts(
    user: Reader, wanted: Set[tuple[UUID, int]], *, for_answers: bool = False
) -> dict[tuple[UUID, int], str]:
    """The whole text of those pages (document, number), as far as they are there and this person may read them."""
    visible = Document.every.visible_to(user).filter(pk__in={document for document, _ in wanted})
    visible = visible.filter(withheld="") if for_answers else visible
    rows = Page.objects.filter(document__in=visible.values("pk"), number__in={number for _, number in wanted})
    found = rows.order_by().values_list("document_id", "number", "text")
    return {(document, number): text for document, number, text in found if (document, number) in wanted}


def _text(page: str | None, spans: list[list[int]]) -> str | None:
    """The spans' text; None where the page no longer reaches that far."""
    if page is None or any(not 0 <= start < end <= len(page) for start, end in spans):
        return None
    return joined(page, [(start, end) for start, end in spans], lines=True)


@dataclass(frozen=True, slots=True)
class _Try:
    query: Query
    vector: Vectors  # of the site's own embedder
    seen: Seen
    ranked: Ranked
    respelt: Mapping[str, str] = field(default_factory=dict)


class _Clock:
    """Milliseconds by stage, from one stop to the next."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def stop(self, stage: str) -> None:
        now = time.perf_counter()
        self.ms[stage] = self.ms.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now


async def _tried(
    user: Reader, place: Scope, queries: AsyncIterator[tuple[Query, Begun[Vectors]]], clock: _Clock
) -> _Try:
    """The best of what each query finds; the first one's own where none of the others is clearly better."""
    tries = []
    async for query, vector in queries:
        tries.append(await _found(user, place, query, vector, clock))
    return reduce(_better, tries)


async def _found(user: Reader, place: Scope, query: Query, vector: Begun[Vectors], clock: _Clock) -> _Try:
    """Return what one query finds, misspelt words corrected. Candidates whose rows are gone (deleted, switched off)
    took the places of others, so the index is asked again without them, until there is enough or nothing else."""
    wanted, wide = Wanted(query.text, vector, clock.stop), CANDIDATES

    async def weigh() -> _Try:
        if (quick := await _at_once(user, place, query, wanted, clock)) is not None:
            return quick
        seen, row = await spaces.looked_up(place, wanted), await vector
        clock.stop("index")
        ranked = await _ranked(user, query.text, seen, place)
        clock.stop("read")
        return _Try(query, row, seen, ranked)

    tried = await weigh()
    if respelt := await _respelt(place, wanted, tried.seen):
        query = replace(query, text=spelling.replace_words(query.text, respelt))
        wanted = replace(wanted, text=query.text, vector=_embedded([query.text], None)[0])
        tried = replace(await weigh(), respelt=respelt)
    for _ in range(_ROUNDS):
        if tried.ranked.gone < CANDIDATES // 2 or len(tried.seen.candidates) < CANDIDATES:
            break  # words and meaning each brought enough that is there, or all that they have
        place, wide = await in_db(candidates.still, user, place), min(4 * wide, _WIDEST)
        clock.stop("read")
        wider = await spaces.looked_up(place, replace(wanted, limit=wide))
        clock.stop("index")
        gone = await in_db(candidates.gone, user, wider)
        clock.stop("read")
        if not gone:
            break
        wanted = replace(wanted, hidden=wanted.hidden | gone)
        tried = replace(await weigh(), respelt=respelt)
    return tried


async def _respelt(place: Scope, wanted: Wanted, seen: Seen) -> dict[str, str]:
    """Return the misspelt words of a question, and what to search for instead."""

    async def look_up(words: str) -> Mapping[str, float]:
        return (await spaces.looked_up(place, replace(wanted, text=words))).idf

    if not seen.segments:
        return {}
    return await spelling.respell(wanted.text, seen.idf, seen.unknown, registry.embed(), look_up)


async def _at_once(user: Reader, place: Scope, query: Query, wanted: Wanted, clock: _Clock) -> _Try | None:
    """The usual search, from the vector to the rows without waiting for the event loop in between; None where several
    embedders or a model that reads have to be asked, or a segment is damaged."""
    tunings = _tunings(place)
    if _reread(tunings) or not (some := spaces.own(place)):
        return None
    meaning = together(tunings)

    def weighed(seen: Seen) -> tuple[Seen, Ranked]:
        clock.stop("index")
        ranked = _rank(user, seen, tunings, meaning)
        clock.stop("read")
        return seen, ranked

    try:
        seen, ranked = await spaces.begun(place, wanted, some).then_in_db(weighed)
    except EngineBroken:
        return None
    return _Try(query, await wanted.vector, seen, ranked)


async def _also(
    queries: Sequence[Query], vectors: Sequence[Begun[Vectors]], rewritten: Awaitable[str] | None, clock: _Clock
) -> AsyncIterator[tuple[Query, Begun[Vectors]]]:
    """The queries with their vectors, which are being made, and then the one that is still being written."""
    for query, vector in zip(queries, vectors, strict=True):
        yield query, vector
    if rewritten is None:
        return
    text = await rewritten
    clock.stop("rewrite")
    if text:
        yield Query(text, leans=True), begin(registry.embed().embed_query, text)


def _better(best: _Try, found: _Try) -> _Try:
    """A completed question's result where it is clearly better than the question's own, or better than that of another
    completed one. Where both found nothing it is said of the question as asked, unless that needs the one before it."""
    if not found.ranked.windows and not (best.ranked.windows or follow_up.points_back(best.query.text)):
        return best
    least = best.ranked.relevance * (1.0 if best.query.leans else _PREFERRED)
    return found if not best.ranked.windows or found.ranked.relevance > least else best


async def _ranked(user: Reader, question: str, seen: Seen, place: Scope) -> Ranked:
    tunings = _tunings(place)
    meaning = together(tunings)
    if not _reread(tunings):
        return await in_db(_rank, user, seen, tunings, meaning)  # one way there and back
    order = await in_db(candidates.ordered, seen, meaning)
    return await in_db(candidates.ranked, user, await reranking.reordered(user, question, order), seen, tunings)


def _reread(tunings: Mapping[UUID, Tuning]) -> bool:
    """Whether a model that reads question and passage together has a say."""
    return registry.rank().active and any(item.rerank for item in tunings.values())


def _rank(user: Reader, seen: Seen, tunings: Mapping[UUID, Tuning], meaning: float) -> Ranked:
    return candidates.ranked(user, candidates.ordered(seen, meaning), seen, tunings)


def _tunings(place: Scope) -> dict[UUID, Tuning]:
    return {pk: place.tunings.get(pk, DEFAULT) for pk in place.collections}


async def _scope(
    user: Reader, collections: Sequence[UUID], known: Scope | None = None, filters: Filters | None = None
) -> Scope:
    return known if known is not None else await in_db(_narrowed, user, collections, filters or EVERYTHING)


def _narrowed(user: Reader, collections: Sequence[UUID], filters: Filters) -> Scope:
    return filters.narrowed(candidates.scope(user, collections))


def _embedded(texts: Sequence[str], vector: Begun[Vectors] | None) -> list[Begun[Vectors]]:
    """The vector of each text, which is being made; that of the first may have been begun already."""
    embed = registry.embed().embed_query
    first = vector if vector is not None else begin(embed, texts[0])
    return [first, *(begin(embed, text) for text in texts[1:])]
