"""The search verb: one question in, passages that this person may read out, best first, cut to the prompt's budget."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING
from uuid import UUID

from apps.documents.indexing import embedders
from apps.documents.models import Document, Page
from apps.documents.retrieval import candidates, follow_up_rewriting, index_lookup, reranking, spelling_correction
from apps.documents.retrieval.candidates import LookupResult, RankedWindows, SearchScope
from apps.documents.retrieval.filters import NO_FILTERS, SearchFilters
from apps.documents.retrieval.follow_up_rewriting import QueryVariant
from apps.documents.retrieval.index_lookup import IndexRequest
from apps.documents.retrieval.passages import Passage, SearchHit, join_spans
from apps.documents.retrieval.sentence_selection import CountTokens, estimate_tokens, select_sentences
from apps.documents.settings import DEFAULT_SETTINGS, CollectionSettings, average_vector_weight
from apps.engines import registry
from apps.engines.types import CANDIDATES, EngineBroken
from apps.lib.concurrency.threads import PoolTask, in_db, start_in_pool

if TYPE_CHECKING:
    from apps.engines.types import Vectors
    from apps.users.models import AnyUser

log = logging.getLogger(__name__)

_ROUNDS = 12  # in which the index is asked again; together they pass over some 40,000 chunks that are gone
_WIDEST = 3840  # candidates, among which those that are gone are looked for
NEAREST = candidates.NEAREST
_PREFERRED = 1.1  # a question that stands alone keeps its own result unless the completed one is this much better


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, and what it searched, so that "nothing found" can be said honestly."""

    passages: tuple[Passage, ...]  # best first, all above the relevance floor; empty: nothing relevant
    searched: tuple[str, ...]  # names of the collections searched
    documents: int  # ready documents in them that the filters let through; counted only where nothing was found
    waiting: int  # documents in them that are still being ingested, whatever the filters; likewise
    query: str  # what was searched, after a follow-up was completed
    vector: Vectors  # of the query, by the site's own embedder
    idf: dict[str, float]  # of the query's terms
    ms: dict[str, float]  # "embed", "index", "read", "cut", and "rewrite" where that was waited for, in milliseconds
    hits: tuple[SearchHit, ...] = ()  # all that was weighed, best first, also what was then dropped
    least: float = 0.0  # relevance below which a hit was dropped
    left_out: tuple[str, ...] = ()  # names of collections that another embedder indexed, in part or in whole
    just_added: int = 0  # of `waiting`, those that the user added a moment ago
    nearest: tuple[Passage, ...] = ()  # where no passage is relevant, the two that come nearest
    respelt: Mapping[str, str] = field(default_factory=dict)  # misspelt words, and what was searched for instead


async def search(
    user: AnyUser,
    question: str,
    *,
    collections: Sequence[UUID] = (),
    history: Sequence[str] = (),
    token_budget: int = 700,
    count: CountTokens | None = None,
    scope: SearchScope | None = None,
    vector: PoolTask[Vectors] | None = None,
    rewritten: Awaitable[str] | None = None,
    filters: SearchFilters | None = None,
) -> SearchResult:
    """Searches the named collections (none: all) as far as the person may read them, and `filters` let through.

    `history` holds the person's earlier questions, oldest first; `count` counts tokens as the model does. Where the
    caller knows already, `scope` is what is searched at this moment, filters included, and `vector` becomes the
    question's; `rewritten` becomes another wording of it that stands alone, or "".
    Raises EngineError where embedder or index cannot serve.
    """
    clock = _Clock()
    queries = follow_up_rewriting.list_query_variants(question, history)
    vectors = _embedded([query.text for query in queries], vector)
    place = await _scope(user, collections, scope, filters)
    best = await _tried(user, place, _also(queries, vectors, rewritten, clock), clock)
    # A third of a millisecond, which a hop to another thread and back would lengthen by half.
    ranked, idf = best.ranked, best.seen.idf
    passages = select_sentences(ranked.windows, ranked.pages, idf, token_budget, count or estimate_tokens)
    nearest = () if passages else select_sentences(ranked.nearest, ranked.pages, idf, token_budget, estimate_tokens)
    clock.stop("cut")
    documents, waiting, just_added = (0, 0, 0) if passages else await in_db(candidates.count_scope, user, place)
    return SearchResult(
        tuple(passages), index_lookup.list_searched(place, best.seen), documents, waiting, best.query.text,
        best.vector, best.seen.idf, clock.ms, best.ranked.hits, best.ranked.least,
        index_lookup.list_unsearched(place, best.seen), just_added, tuple(nearest), best.respelt,
    )  # fmt: skip


async def count_documents(
    user: AnyUser, found: SearchResult, collections: Sequence[UUID], filters: SearchFilters | None = None
) -> SearchResult:
    """Return the same with its counts of documents, which `search` leaves out where it found passages."""
    place = await _scope(user, collections, None, filters)
    documents, waiting, just_added = await in_db(candidates.count_scope, user, place)
    return replace(found, documents=documents, waiting=waiting, just_added=just_added)


def list_unembedded_languages(user: AnyUser, collections: Sequence[UUID]) -> list[str]:
    """Return the codes of the languages in what was searched that its embedder does not know. For `in_db`."""
    return embedders.list_unembedded_languages(candidates.resolve_scope(user, collections).collections)


async def rank_all_documents(user: AnyUser, question: str, collections: Sequence[UUID], vector: Vectors) -> list[UUID]:
    """All documents that a search weighs, best first, whether they reach the relevance floor or not: for measurements.
    Raises as `search` does."""
    place = await _scope(user, collections)
    wanted = IndexRequest(question, start_in_pool(lambda: vector), _Clock().stop)
    seen = await index_lookup.look_up_candidates(place, wanted)
    if respelt := await _respelt(place, wanted, seen):
        question = spelling_correction.replace_words(question, respelt)
        seen = await index_lookup.look_up_candidates(
            place, replace(wanted, text=question, vector=_embedded([question], None)[0])
        )
    order: reranking.Order = await in_db(candidates.score_candidates, seen, average_vector_weight(_tunings(place)))
    if registry.get_reranker().active:
        order = await reranking.rerank_candidates(user, question, order)
    return await in_db(candidates.rank_documents, user, order)


def read_spans(
    user: AnyUser, places: Sequence[tuple[UUID | None, int, list[list[int]]]], *, for_answers: bool = False
) -> list[str | None]:
    """The text at each place (document, page, spans); None where this person may not read it, or it is gone.
    `for_answers` is without what a reviewer took out of every answer: people still read that, models do not."""
    wanted = {(document, number) for document, number, _ in places if document is not None}
    pages = read_page_texts(user, wanted, for_answers=for_answers)
    return [_text(pages.get((document, number)) if document else None, spans) for document, number, spans in places]


def read_page_texts(
    user: AnyUser, wanted: Set[tuple[UUID, int]], *, for_answers: bool = False
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
    return join_spans(page, [(start, end) for start, end in spans], lines=True)


@dataclass(frozen=True, slots=True)
class _QueryResult:
    query: QueryVariant
    vector: Vectors  # of the site's own embedder
    seen: LookupResult
    ranked: RankedWindows
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
    user: AnyUser, place: SearchScope, queries: AsyncIterator[tuple[QueryVariant, PoolTask[Vectors]]], clock: _Clock
) -> _QueryResult:
    """The best of what each query finds; the first one's own where none of the others is clearly better."""
    tries = []
    async for query, vector in queries:
        tries.append(await _found(user, place, query, vector, clock))
    return reduce(_better, tries)


async def _found(
    user: AnyUser, place: SearchScope, query: QueryVariant, vector: PoolTask[Vectors], clock: _Clock
) -> _QueryResult:
    """Return what one query finds, misspelt words corrected. Candidates whose rows are gone (deleted, switched off)
    took the places of others, so the index is asked again without them, until there is enough or nothing else."""
    wanted, wide = IndexRequest(query.text, vector, clock.stop), CANDIDATES

    async def weigh() -> _QueryResult:
        if (quick := await _at_once(user, place, query, wanted, clock)) is not None:
            return quick
        seen, row = await index_lookup.look_up_candidates(place, wanted), await vector
        clock.stop("index")
        ranked = await _ranked(user, query.text, seen, place)
        clock.stop("read")
        return _QueryResult(query, row, seen, ranked)

    tried = await weigh()
    if respelt := await _respelt(place, wanted, tried.seen):
        query = replace(query, text=spelling_correction.replace_words(query.text, respelt))
        wanted = replace(wanted, text=query.text, vector=_embedded([query.text], None)[0])
        tried = replace(await weigh(), respelt=respelt)
    for _ in range(_ROUNDS):
        if tried.ranked.gone < CANDIDATES // 2 or len(tried.seen.candidates) < CANDIDATES:
            break  # words and meaning each brought enough that is there, or all that they have
        place, wide = await in_db(candidates.refresh_scope, user, place), min(4 * wide, _WIDEST)
        clock.stop("read")
        wider = await index_lookup.look_up_candidates(place, replace(wanted, limit=wide))
        clock.stop("index")
        gone = await in_db(candidates.find_missing_chunks, user, wider)
        clock.stop("read")
        if not gone:
            break
        wanted = replace(wanted, hidden=wanted.hidden | gone)
        tried = replace(await weigh(), respelt=respelt)
    return tried


async def _respelt(place: SearchScope, wanted: IndexRequest, seen: LookupResult) -> dict[str, str]:
    """Return the misspelt words of a question, and what to search for instead."""

    async def look_up(words: str) -> Mapping[str, float]:
        return (await index_lookup.look_up_candidates(place, replace(wanted, text=words))).idf

    if not seen.segments:
        return {}
    return await spelling_correction.respell(wanted.text, seen.idf, seen.unknown, registry.get_embedder(), look_up)


async def _at_once(
    user: AnyUser, place: SearchScope, query: QueryVariant, wanted: IndexRequest, clock: _Clock
) -> _QueryResult | None:
    """The usual search, from the vector to the rows without waiting for the event loop in between; None where several
    embedders or a model that reads have to be asked, or a segment is damaged."""
    tunings = _tunings(place)
    if _reread(tunings) or not (some := index_lookup.list_own_segments(place)):
        return None
    meaning = average_vector_weight(tunings)

    def weighed(seen: LookupResult) -> tuple[LookupResult, RankedWindows]:
        clock.stop("index")
        ranked = _rank(user, seen, tunings, meaning)
        clock.stop("read")
        return seen, ranked

    try:
        seen, ranked = await index_lookup.start_lookup(place, wanted, some).then_in_db(weighed)
    except EngineBroken:
        return None
    return _QueryResult(query, await wanted.vector, seen, ranked)


async def _also(
    queries: Sequence[QueryVariant],
    vectors: Sequence[PoolTask[Vectors]],
    rewritten: Awaitable[str] | None,
    clock: _Clock,
) -> AsyncIterator[tuple[QueryVariant, PoolTask[Vectors]]]:
    """The queries with their vectors, which are being made, and then the one that is still being written."""
    for query, vector in zip(queries, vectors, strict=True):
        yield query, vector
    if rewritten is None:
        return
    text = await rewritten
    clock.stop("rewrite")
    if text:
        yield QueryVariant(text, leans=True), start_in_pool(registry.get_embedder().embed_query, text)


def _better(best: _QueryResult, found: _QueryResult) -> _QueryResult:
    """A completed question's result where it is clearly better than the question's own, or better than that of another
    completed one. Where both found nothing it is said of the question as asked, unless that needs the one before it."""
    if not found.ranked.windows and not (
        best.ranked.windows or follow_up_rewriting.has_back_reference(best.query.text)
    ):
        return best
    least = best.ranked.relevance * (1.0 if best.query.leans else _PREFERRED)
    return found if not best.ranked.windows or found.ranked.relevance > least else best


async def _ranked(user: AnyUser, question: str, seen: LookupResult, place: SearchScope) -> RankedWindows:
    tunings = _tunings(place)
    meaning = average_vector_weight(tunings)
    if not _reread(tunings):
        return await in_db(_rank, user, seen, tunings, meaning)  # one way there and back
    order = await in_db(candidates.score_candidates, seen, meaning)
    return await in_db(
        candidates.rank_windows, user, await reranking.rerank_candidates(user, question, order), seen, tunings
    )


def _reread(tunings: Mapping[UUID, CollectionSettings]) -> bool:
    """Whether a model that reads question and passage together has a say."""
    return registry.get_reranker().active and any(item.rerank for item in tunings.values())


def _rank(
    user: AnyUser, seen: LookupResult, tunings: Mapping[UUID, CollectionSettings], meaning: float
) -> RankedWindows:
    return candidates.rank_windows(user, candidates.score_candidates(seen, meaning), seen, tunings)


def _tunings(place: SearchScope) -> dict[UUID, CollectionSettings]:
    return {pk: place.tunings.get(pk, DEFAULT_SETTINGS) for pk in place.collections}


async def _scope(
    user: AnyUser, collections: Sequence[UUID], known: SearchScope | None = None, filters: SearchFilters | None = None
) -> SearchScope:
    return known if known is not None else await in_db(_narrowed, user, collections, filters or NO_FILTERS)


def _narrowed(user: AnyUser, collections: Sequence[UUID], filters: SearchFilters) -> SearchScope:
    return filters.narrowed(candidates.resolve_scope(user, collections))


def _embedded(texts: Sequence[str], vector: PoolTask[Vectors] | None) -> list[PoolTask[Vectors]]:
    """The vector of each text, which is being made; that of the first may have been begun already."""
    embed = registry.get_embedder().embed_query
    first = vector if vector is not None else start_in_pool(embed, texts[0])
    return [first, *(start_in_pool(embed, text) for text in texts[1:])]
