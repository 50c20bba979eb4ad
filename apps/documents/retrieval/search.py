"""Search the collections of a user: one question in, relevant passages out, best first, within a token budget.

Entry points: `search` for answers and the search page, `count_documents` for its counts, `rank_all_documents` for
measurements, `read_spans` and `read_page_texts` for the text of passages found earlier. A search builds no prompt, and
writes nothing except requests to rebuild damaged segments, and those made for another language than the question's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from apps.documents.indexing import language_builds
from apps.documents.models import Document, Page
from apps.documents.retrieval import candidates, follow_up_rewriting, index_lookup, reranking, spelling_correction
from apps.documents.retrieval.candidates import LookupResult, RankedWindows, SearchScope
from apps.documents.retrieval.filters import NO_FILTERS, SearchFilters
from apps.documents.retrieval.follow_up_rewriting import QueryVariant
from apps.documents.retrieval.index_lookup import IndexRequest
from apps.documents.retrieval.passages import SearchHit
from apps.documents.retrieval.section_selection import WHOLE_SECTIONS_ABOVE, SelectedSections, read_sections
from apps.documents.retrieval.sentence_selection import CountTokens, estimate_tokens, select_sentences
from apps.documents.settings import CollectionSettings, average_vector_weight
from apps.engines import registry
from apps.engines.types import CANDIDATES, EngineBroken
from apps.grounding.passage import Passage, join_spans
from apps.lib import metrics
from apps.lib.concurrency.threads import PoolTask, in_db, start_in_pool
from apps.lib.text.language_detection import guess_language

if TYPE_CHECKING:
    from apps.engines.types import Vectors
    from apps.users.models import AnyUser

log = logging.getLogger(__name__)

_MAX_ROUNDS = 12  # at most, of asking the index again; together they skip some 40,000 chunks that no longer exist
_MAX_CANDIDATES = 3840  # candidates of the widest lookup that searches for chunks without a row
NEAREST = candidates.NEAREST
_COMPLETED_FACTOR = 1.1  # factor of relevance by which a completed question must beat a question that stands alone


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Result of a search: the passages, and the scope that was searched, so that "nothing found" can be explained."""

    # Best first, or in document order if whole sections were read; all above the threshold; empty: nothing relevant.
    passages: tuple[Passage, ...]
    searched: tuple[str, ...]  # names of the collections searched
    documents: int  # ready documents in them that pass the filters; 0 if passages were found (not counted then)
    waiting: int  # documents in them that are still being ingested, filtered or not; 0 if passages were found
    query: str  # the query that was used: spelling corrected, follow-up completed
    idf: dict[str, float]  # inverse document frequency of the query's stemmed terms
    # Milliseconds of "embed", "index", "read", "cut" or "sections"; "rewrite" if a rewritten query was awaited.
    ms: dict[str, float]
    hits: tuple[SearchHit, ...] = ()  # all hits that were scored, best first, including those dropped later
    threshold: float = 0.0  # relevance, 0 to 1, below which a hit was dropped
    unsearched: tuple[str, ...] = ()  # names of collections that another embedder indexed, in part or in whole
    just_added: int = 0  # of `waiting`, documents that the user added within the last JUST_ADDED_S seconds
    nearest: tuple[Passage, ...] = ()  # if no passage is relevant, the NEAREST best ones
    corrections: Mapping[str, str] = field(default_factory=dict)  # misspelt word -> word searched instead
    token_budget: int = 0  # tokens that the passages could have; 0: no search for an answer
    no_room: frozenset[int] = frozenset()  # ids of relevant chunks that did not fit the budget
    awaited_language: str = ""  # language (ISO 639-1) of the question, if an index that knows it is being built


async def search(
    user: AnyUser,
    question: str,
    *,
    collections: Sequence[UUID] = (),
    history: Sequence[str] = (),
    token_budget: int | Awaitable[int] = 700,
    count: CountTokens | None = None,
    scope: SearchScope | None = None,
    vector: PoolTask[Vectors] | None = None,
    rewritten: Awaitable[str] | None = None,
    filters: SearchFilters | None = None,
) -> SearchResult:
    """Return the passages that the user may read and that are relevant to the question, best first.

    `collections` limits the search; empty: all that the user may read. `history`: the user's earlier questions, oldest
    first. `token_budget` (or a task of it) is for all passages, counted by `count`, None: estimated. A large one is
    filled with whole sections, in document order. Callers pass what they have: `scope` (filters applied), `vector`
    (task of the question's), `rewritten` (a standalone wording; "" for none). Raises EngineError if an engine fails.
    """
    clock = _Clock()
    queries = follow_up_rewriting.list_query_variants(question, history)
    vectors = _start_embeddings([query.text for query in queries], vector)
    scope = await _load_scope(user, collections, scope, filters)
    best = await _search_variants(user, scope, _iter_queries(queries, vectors, rewritten, clock), clock)
    ranked, idf, count = best.ranked, best.lookup.idf, count or estimate_tokens
    budget = token_budget if isinstance(token_budget, int) else await token_budget
    whole = budget > WHOLE_SECTIONS_ABOVE and ranked.windows
    sections = await in_db(read_sections, ranked, budget, count) if whole else SelectedSections(())
    cut = sections if sections.passages else _cut_windows(ranked, idf, budget, count)
    passages = cut.passages
    nearest = () if passages else select_sentences(ranked.nearest, ranked.pages, idf, budget, estimate_tokens)
    clock.finish("sections" if sections.passages else "cut")
    documents, waiting, just_added = (0, 0, 0) if passages else await in_db(candidates.count_scope, user, scope)
    return SearchResult(
        tuple(passages), index_lookup.list_searched(scope, best.lookup), documents, waiting, best.query.text,
        best.lookup.idf, clock.ms, best.ranked.hits, best.ranked.threshold,
        index_lookup.list_unsearched(scope, best.lookup), just_added, tuple(nearest), best.corrections,
        budget, cut.no_room, await _request_language_builds(question, scope),
    )  # fmt: skip


async def count_documents(
    user: AnyUser, result: SearchResult, collections: Sequence[UUID], filters: SearchFilters | None = None
) -> SearchResult:
    """Return `result` with its counts of documents, which `search` leaves at 0 if passages were found."""
    scope = await _load_scope(user, collections, None, filters)
    documents, waiting, just_added = await in_db(candidates.count_scope, user, scope)
    return replace(result, documents=documents, waiting=waiting, just_added=just_added)


async def rank_all_documents(user: AnyUser, question: str, collections: Sequence[UUID], vector: Vectors) -> list[UUID]:
    """Return the ids of all documents with a candidate chunk, best first, below the relevance threshold too.

    For measurements only. `vector` is the question's, by the site's own embedder. Raises EngineError as `search` does.
    """
    scope = await _load_scope(user, collections)
    request = IndexRequest(question, start_in_pool(lambda: vector), _Clock().stop)
    lookup = await index_lookup.look_up_candidates(scope, request)
    if corrections := await _find_corrections(scope, request, lookup):
        question = spelling_correction.replace_words(question, corrections)
        lookup = await index_lookup.look_up_candidates(
            scope, replace(request, text=question, vector=_start_embeddings([question], None)[0])
        )
    order: reranking.Order = await in_db(candidates.score_candidates, lookup, average_vector_weight(scope.settings))
    if registry.get_reranker().active:
        order = await reranking.rerank_candidates(user, question, order)
    return await in_db(candidates.rank_documents, user, order)


def read_spans(
    user: AnyUser, locations: Sequence[tuple[UUID | None, int, list[list[int]]]], *, for_answers: bool = False
) -> list[str | None]:
    """Return the text at each place (document, page number, spans of [start, end) in `Page.text`), in the order of
    `locations`.

    None at a place that the user may not read, or that no longer exists. `for_answers` also leaves out withheld
    documents: users still read these, models do not. Queries the database: call through `in_db`.
    """
    page_keys = {(document, number) for document, number, _ in locations if document is not None}
    pages = read_page_texts(user, page_keys, for_answers=for_answers)
    return [
        _cut_spans(pages.get((document, number)) if document else None, spans) for document, number, spans in locations
    ]


def read_page_texts(
    user: AnyUser, page_keys: Set[tuple[UUID, int]], *, for_answers: bool = False
) -> dict[tuple[UUID, int], str]:
    """Return the whole text of each wanted page, by (document, page number from 1). Queries the database.

    Pages that do not exist, or that the user may not read, are missing from the result; `for_answers` as in
    `read_spans`.
    """
    visible = Document.all_objects.visible_to(user).filter(pk__in={document for document, _ in page_keys})
    visible = visible.filter(withheld="") if for_answers else visible
    rows = Page.objects.filter(document__in=visible.values("pk"), number__in={number for _, number in page_keys})
    texts = rows.order_by().values_list("document_id", "number", "text")
    return {(document, number): text for document, number, text in texts if (document, number) in page_keys}


def _cut_spans(page: str | None, spans: list[list[int]]) -> str | None:
    """Return the text of the spans; None if a span is empty or ends beyond the page."""
    if page is None or any(not 0 <= start < end <= len(page) for start, end in spans):
        return None
    return join_spans(page, [(start, end) for start, end in spans], lines=True)


@dataclass(frozen=True, slots=True)
class _QueryResult:
    """Result of one query variant."""

    query: QueryVariant
    lookup: LookupResult
    ranked: RankedWindows
    corrections: Mapping[str, str] = field(default_factory=dict)


class _Clock:
    """Stopwatch of the stages of a search, in milliseconds; a stage lasts from the previous `stop` to its own."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def stop(self, stage: str) -> None:
        now = time.perf_counter()
        self.ms[stage] = self.ms.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

    def finish(self, stage: str) -> None:
        """Stop the last stage, and record the seconds of the search as a metric."""
        self.stop(stage)
        metrics.SEARCH_SECONDS.observe(sum(self.ms.values()) / 1000)


def _cut_windows(ranked: RankedWindows, idf: Mapping[str, float], budget: int, count: CountTokens) -> SelectedSections:
    """Return the best sentences of the windows within the budget, and the chunks of windows that have none of them.

    Takes a third of a millisecond; a switch to another thread and back would add half of that.
    """
    passages = tuple(select_sentences(ranked.windows, ranked.pages, idf, budget, count))
    kept = {passage.chunk_id for passage in passages}
    return SelectedSections(passages, frozenset(window.hit.chunk_id for window in ranked.windows) - kept)


async def _request_language_builds(question: str, scope: SearchScope) -> str:
    """Have collections indexed anew that the packaged model, which knows English, indexed. Return the language of the
    question (ISO 639-1) while such an index is being built, else ""."""
    language = guess_language(question) if settings.MULTILINGUAL_EMBEDDER else ""
    packaged = [pk for pk, own in scope.settings.items() if not own.embedder]
    if language in ("", "en") or not packaged:
        return ""
    return language if await in_db(language_builds.request_builds, packaged, language) else ""


async def _search_variants(
    user: AnyUser, scope: SearchScope, queries: AsyncIterator[tuple[QueryVariant, PoolTask[Vectors]]], clock: _Clock
) -> _QueryResult:
    """Return the best result of all query variants; that of the first unless another one is clearly better
    (`_choose_better`)."""
    results = []
    async for query, vector in queries:
        results.append(await _search_query(user, scope, query, vector, clock))
    return reduce(_choose_better, results)


async def _search_query(
    user: AnyUser, scope: SearchScope, query: QueryVariant, vector: PoolTask[Vectors], clock: _Clock
) -> _QueryResult:
    """Return the result of one query variant, with misspelt words corrected.

    Candidates without a row (deleted, switched off) take the places of others in the index's answer. The index is asked
    again without them until enough candidates have a row or it finds no more of those without.
    """
    request, limit = IndexRequest(query.text, vector, clock.stop), CANDIDATES

    async def run_query() -> _QueryResult:
        if (quick := await _search_directly(user, scope, query, request, clock)) is not None:
            return quick
        lookup = await index_lookup.look_up_candidates(scope, request)
        await vector  # an embedder that fails, fails the search
        clock.stop("index")
        ranked = await _rank_query(user, query.text, lookup, scope)
        clock.stop("read")
        return _QueryResult(query, lookup, ranked)

    result = await run_query()
    if corrections := await _find_corrections(scope, request, result.lookup):
        query = replace(query, text=spelling_correction.replace_words(query.text, corrections))
        request = replace(request, text=query.text, vector=_start_embeddings([query.text], None)[0])
        result = replace(await run_query(), corrections=corrections)
    for _ in range(_MAX_ROUNDS):
        if result.ranked.missing < CANDIDATES // 2 or len(result.lookup.candidates) < CANDIDATES:
            break  # enough candidates have a row, or the index has no more candidates
        scope, limit = await in_db(candidates.refresh_scope, user, scope), min(4 * limit, _MAX_CANDIDATES)
        clock.stop("read")
        wider = await index_lookup.look_up_candidates(scope, replace(request, limit=limit))
        clock.stop("index")
        missing = await in_db(candidates.find_missing_chunks, user, wider)
        clock.stop("read")
        if not missing:
            break
        request = replace(request, excluded_chunks=request.excluded_chunks | missing)
        result = replace(await run_query(), corrections=corrections)
    return result


async def _find_corrections(scope: SearchScope, request: IndexRequest, lookup: LookupResult) -> dict[str, str]:
    """Return, for each misspelt word of the question, the word to search for instead; {} if no segment could be
    searched."""

    async def look_up(words: str) -> Mapping[str, float]:
        return (await index_lookup.look_up_candidates(scope, replace(request, text=words))).idf

    if not lookup.segments:
        return {}
    return await spelling_correction.respell(
        request.text, lookup.idf, lookup.unseen_term_idf, registry.get_embedder(), look_up
    )


async def _search_directly(
    user: AnyUser, scope: SearchScope, query: QueryVariant, request: IndexRequest, clock: _Clock
) -> _QueryResult | None:
    """Return the result of the usual search, from vector to rows without returning to the event loop in between.

    None if several embedders or a reranker must be asked, if there is no segment, or if one is damaged.
    """
    settings = scope.settings
    if _uses_reranker(settings) or not (segments := index_lookup.list_own_segments(scope)):
        return None
    vector_weight = average_vector_weight(settings)

    def score(lookup: LookupResult) -> tuple[LookupResult, RankedWindows]:
        clock.stop("index")
        ranked = _score_and_rank(user, lookup, settings, vector_weight)
        clock.stop("read")
        return lookup, ranked

    try:
        lookup, ranked = await index_lookup.start_lookup(scope, request, segments).then_in_db(score)
    except EngineBroken:
        return None
    return _QueryResult(query, lookup, ranked)


async def _iter_queries(
    queries: Sequence[QueryVariant],
    vectors: Sequence[PoolTask[Vectors]],
    rewritten: Awaitable[str] | None,
    clock: _Clock,
) -> AsyncIterator[tuple[QueryVariant, PoolTask[Vectors]]]:
    """Yield each query with the task of its vector, then the rewritten query as soon as the model has written it."""
    for query, vector in zip(queries, vectors, strict=True):
        yield query, vector
    if rewritten is None:
        return
    text = await rewritten
    clock.stop("rewrite")
    if text:
        yield QueryVariant(text, is_expanded=True), start_in_pool(registry.get_embedder().embed_query, text)


def _choose_better(best: _QueryResult, candidate: _QueryResult) -> _QueryResult:
    """Return `candidate` if it is clearly better than `best`, else `best`.

    A completed question must beat a standalone one by the factor _COMPLETED_FACTOR, another completed one by any
    amount. If both found nothing, `best` stays, unless its question points back to an earlier one.
    """
    if not candidate.ranked.windows and not (
        best.ranked.windows or follow_up_rewriting.has_back_reference(best.query.text)
    ):
        return best
    required = best.ranked.relevance * (1.0 if best.query.is_expanded else _COMPLETED_FACTOR)
    return candidate if not best.ranked.windows or candidate.ranked.relevance > required else best


async def _rank_query(user: AnyUser, question: str, lookup: LookupResult, scope: SearchScope) -> RankedWindows:
    settings, vector_weight = scope.settings, average_vector_weight(scope.settings)
    if not _uses_reranker(settings):  # one switch of threads instead of two
        return await in_db(_score_and_rank, user, lookup, settings, vector_weight)
    order = await in_db(candidates.score_candidates, lookup, vector_weight)
    return await in_db(
        candidates.rank_windows, user, await reranking.rerank_candidates(user, question, order), lookup, settings
    )


def _uses_reranker(settings: Mapping[UUID, CollectionSettings]) -> bool:
    """Return whether the site has a reranker and one of the collections uses it."""
    return registry.get_reranker().active and any(item.rerank for item in settings.values())


def _score_and_rank(
    user: AnyUser, lookup: LookupResult, settings: Mapping[UUID, CollectionSettings], vector_weight: float
) -> RankedWindows:
    return candidates.rank_windows(user, candidates.score_candidates(lookup, vector_weight), lookup, settings)


async def _load_scope(
    user: AnyUser, collections: Sequence[UUID], scope: SearchScope | None = None, filters: SearchFilters | None = None
) -> SearchScope:
    return (
        scope if scope is not None else await in_db(_resolve_filtered_scope, user, collections, filters or NO_FILTERS)
    )


def _resolve_filtered_scope(user: AnyUser, collections: Sequence[UUID], filters: SearchFilters) -> SearchScope:
    return filters.narrow_scope(candidates.resolve_scope(user, collections))


def _start_embeddings(texts: Sequence[str], vector: PoolTask[Vectors] | None) -> list[PoolTask[Vectors]]:
    """Return a task of each text's vector, in order; `vector` is that of the first if it was started already."""
    embed = registry.get_embedder().embed_query
    first = vector if vector is not None else start_in_pool(embed, texts[0])
    return [first, *(start_in_pool(embed, text) for text in texts[1:])]
