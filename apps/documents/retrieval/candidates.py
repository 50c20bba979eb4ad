"""Turn candidates of the index into ranked passage windows: permission, rows, fusion of scores, relevance.

Entry points: `resolve_scope` (what the user may search), `score_candidates`, `rank_windows`, `count_scope`. All
functions are synchronous and query the database, so that async code calls them through `in_db`. `index_lookup.py`
queries the index itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext

from apps.documents.models import Chunk, Collection, Document, IndexBuild, Page, Segment
from apps.documents.retrieval.passages import (
    REACH,
    NeighbourChunk,
    PassageWindow,
    SearchHit,
    collect_terms,
    merge_neighbours,
    select_diverse,
)
from apps.documents.retrieval.relevance import (
    WORD_MATCH_COVERAGE,
    adjust_cosine,
    compute_coverage,
    compute_threshold,
    compute_word_coverage,
    estimate_relevance,
)
from apps.documents.retrieval.score_fusion import EmbedderCandidates, fuse_embedders
from apps.documents.settings import DEFAULT_SETTINGS, RELEVANCE_THRESHOLD, CollectionSettings, read_collection_settings
from apps.engines.index.scoring import compute_idf as word_weight
from apps.engines.types import Candidate, SegmentInfo
from apps.lib.text.toc_detection import is_toc_or_noise

if TYPE_CHECKING:
    from apps.users.models import AnyUser

_KEYWORD_COSINE = (
    0.4  # cosine that a hit gets at least if its keywords, added by a user, hold all words of the question
)
_BATCH_CANDIDATES = 30  # candidates whose rows are read at a time: the fused score orders differently from relevance
MAX_PASSAGES = 12  # with 8, the right passage was left out for 5 % more of the questions of COVID-QA
NEAREST = 2  # passages that the page shows collapsed if nothing is relevant
JUST_ADDED_S = 120  # seconds during which a user expects answers to take note of a file that they added
ROWS = 500  # primary keys in one SQL statement

_HIT_FIELDS = (
    "pk", "document_id", "document__collection_id", "document__title", "document__name", "document__kind", "position",
    "page_number", "heading", "char_start", "char_end", "text", "keywords",
    "document__language",
)  # fmt: skip
_NEIGHBOUR_FIELDS = ("position", "page_number", "heading", "char_start", "char_end")


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Scope of one user's search at one moment: collections, their live segments, settings and filters."""

    collections: dict[UUID, str]  # id -> name
    segments: tuple[SegmentInfo, ...]
    settings: Mapping[UUID, CollectionSettings]  # of each of the collections
    documents: frozenset[str] | None = None  # hex ids of the documents that pass the filters; None: all


@dataclass(frozen=True, slots=True)
class LookupResult:
    """Candidates that the index found for one query, by embedder, and the IDF of the query's terms over all
    segments.

    `language` is that of the query where all embedders read several languages; "" where not, or where it is unclear.
    """

    by_embedder: tuple[EmbedderCandidates, ...]
    idf: dict[str, float]
    segments: tuple[SegmentInfo, ...]  # those that could be searched
    language: str = ""

    @property
    def candidates(self) -> list[Candidate]:
        return [candidate for group in self.by_embedder for candidate in group.candidates]

    @property
    def unseen_term_idf(self) -> float:
        """Return the IDF weight of a term that occurs in no searched chunk."""
        return word_weight(0, sum(segment.count for segment in self.segments))


@dataclass(frozen=True, slots=True)
class RankedWindows:
    """Relevant passage windows of one query, best first, the text of their pages, and all hits that were scored."""

    windows: tuple[PassageWindow, ...]
    pages: dict[tuple[UUID, int], str]  # (document, page number) -> text of the page
    hits: tuple[SearchHit, ...] = ()  # all whose rows were read, best first; those in no window were dropped
    threshold: float = 0.0  # relevance, 0 to 1, below which a hit is dropped
    missing: int = 0  # candidates without a row that the user may read; 0 if there are MAX_PASSAGES anyway
    nearest: tuple[PassageWindow, ...] = ()  # if there are no windows, those of the NEAREST best hits
    relevant: tuple[SearchHit, ...] = ()  # hits above their collection's threshold, those of the windows among them

    @property
    def relevance(self) -> float:
        return max((window.hit.relevance for window in self.windows), default=0.0)


def resolve_scope(user: AnyUser, collection_ids: Sequence[UUID]) -> SearchScope:
    """Return the collections that the user may read, with their live segments. `collection_ids` limits them; empty:
    all.

    Files of a chat are part of it only if `collection_ids` names them.
    """
    rows = (
        _load_collections(user, collection_ids)
        if collection_ids
        else Collection.objects.visible_to(user).values_list(*_SCOPE_FIELDS)
    )
    collections = {pk: name or gettext("the files of this chat") for pk, name, _ in rows}
    settings = {pk: read_collection_settings(stored) if stored else DEFAULT_SETTINGS for pk, _, stored in rows}
    segments = Segment.objects.live().filter(collection__in=collections)
    return SearchScope(collections, tuple(segment.info for segment in segments), settings)


def _load_collections(user: AnyUser, collection_ids: Iterable[UUID]) -> Iterable[tuple[UUID, str, dict[str, Any]]]:
    """Return id, name and stored settings of those of the wanted collections that the user may read."""
    return Collection.all_objects.visible_to(user).filter(pk__in=collection_ids).values_list(*_SCOPE_FIELDS)


def make_trial_scope(build: IndexBuild) -> SearchScope:
    """Return the scope of an index build on trial: its collection alone, with the build's segments and settings.

    Checks no permission: the caller does. A build without chunks of its own is searched in the live segments.
    """
    collection = build.collection
    segments = Segment.objects.filter(
        retired__isnull=True, build=build.pk if build.has_own_chunks else 0, collection=collection
    )
    return SearchScope(
        {collection.pk: collection.name},
        tuple(segment.info for segment in segments),
        {collection.pk: build.settings_to_try},
    )


def count_scope(user: AnyUser, scope: SearchScope) -> tuple[int, int, int]:
    """Return three counts: documents searched, documents still being ingested, and those of them added just now by the
    user.

    "Just now" is JUST_ADDED_S seconds. The first count heeds the filters of the scope, the other two do not.
    """
    just = Q(uploaded_by=user.pk, created__gte=timezone.now() - timedelta(seconds=JUST_ADDED_S))
    statuses = (
        Document.objects.filter(collection__in=scope.collections, status__in=[Document.Status.READY, *Document.ACTIVE])
        .order_by()
        .values_list("status")
        .annotate(count=Count("pk"), own=Count("pk", filter=just))
    )
    counts = {status: (count, just_added) for status, count, just_added in statuses}
    ready, _ = counts.pop(Document.Status.READY, (0, 0))
    waiting, just_added = (sum(column) for column in zip((0, 0), *counts.values(), strict=True))
    return ready if scope.documents is None else len(scope.documents), waiting, just_added


def score_candidates(lookup: LookupResult, vector_weight: float) -> list[tuple[float, Candidate]]:
    """Return every candidate with its fused score, best first. `vector_weight` is the weight of vectors, 0 to 1.

    Vectors for the pseudo-relevance feedback come from the rows if the index did not return them.
    """
    return fuse_embedders(
        [group if group.vectors is not None else _load_vectors(group) for group in lookup.by_embedder], vector_weight
    )


def _load_vectors(group: EmbedderCandidates) -> EmbedderCandidates:
    ids = [candidate.chunk_id for candidate in group.candidates]
    rows = Chunk.all_objects.filter(pk__in=ids).order_by().values_list("pk", "vector")
    return replace(group, vectors=dict(rows))


def load_texts(user: AnyUser, ids: Sequence[int]) -> dict[int, str]:
    """Return per chunk id the text that the reranker reads: title, heading and text, one per line.

    Chunks that are not searchable, or that the user may not read, are missing.
    """
    found = Chunk.all_objects.searchable().visible_to(user).filter(pk__in=ids).order_by()
    rows = found.values_list("pk", "document__title", "document__name", "heading", "text")
    return {pk: "\n".join(filter(None, [title or name, heading, text])) for pk, title, name, heading, text in rows}


def rank_windows(
    user: AnyUser,
    order: Sequence[tuple[float, Candidate]],
    lookup: LookupResult,
    settings: Mapping[UUID, CollectionSettings],
) -> RankedWindows:
    """Return the windows of the best candidates that still exist, that the user may read, and that are relevant.

    `order` is best first. If no hit reaches the threshold, hits that hold most words of the question are taken instead.
    """
    hits: list[SearchHit] = []
    neighbours: list[NeighbourChunk] = []
    selected: list[SearchHit] = []
    relevant: list[SearchHit] = []
    threshold, missing = 0.0, 0
    for part in _batches(order):
        found, beside = _load_hits(user, part, lookup)
        missing += len(part) - len(found)
        hits += found
        neighbours += beside
        best = max((hit.relevance for hit in hits), default=0.0)
        floors = {hit.collection_id: compute_threshold(best, _get_threshold(hit, settings)) for hit in hits}
        threshold = min(floors.values(), default=compute_threshold(best))
        relevant = _drop_lists([hit for hit in hits if hit.relevance >= floors[hit.collection_id]])
        selected = select_diverse(relevant, MAX_PASSAGES)
        if len(selected) == MAX_PASSAGES or (len(hits) >= _BATCH_CANDIDATES and len(selected) == len(relevant)):
            break  # enough passages, or none of the best candidates was gone or a duplicate: the next are no better
    selected = selected or select_diverse(
        _match_words([hit for hit in hits if _get_threshold(hit, settings) <= RELEVANCE_THRESHOLD], lookup),
        MAX_PASSAGES,
    )
    windows = merge_neighbours(selected, neighbours)
    best_hits = [] if windows else sorted(_drop_lists(hits), key=lambda hit: -hit.relevance)[:NEAREST]
    nearest = merge_neighbours(best_hits, neighbours)
    missing = 0 if len(selected) == MAX_PASSAGES else missing
    pages = load_page_texts({window.page for window in [*windows, *nearest]})
    return RankedWindows(tuple(windows), pages, tuple(hits), threshold, missing, tuple(nearest), tuple(relevant))


def _get_threshold(hit: SearchHit, settings: Mapping[UUID, CollectionSettings]) -> float:
    """Return the relevance threshold, 0 to 1, of the hit's collection. A raised threshold also holds for word
    matches."""
    return settings.get(hit.collection_id, DEFAULT_SETTINGS).relevance_threshold


def _drop_lists(hits: list[SearchHit]) -> list[SearchHit]:
    """Return the hits without tables of contents, indexes and noise; all hits if nothing else is left."""
    return [hit for hit in hits if not hit.is_noise] or hits


def _match_words(hits: Sequence[SearchHit], lookup: LookupResult) -> list[SearchHit]:
    """Return the hits that hold WORD_MATCH_COVERAGE of the question's known weight, its rarest known word included.

    The cosine says little about a question of one word, or about a long passage that answers it in passing.
    """
    covered = {hit.chunk_id: compute_word_coverage(lookup.idf, hit.terms, lookup.unseen_term_idf) for hit in hits}
    return _drop_lists([hit for hit in hits if covered[hit.chunk_id] >= WORD_MATCH_COVERAGE])


def _batches(order: Sequence[tuple[float, Candidate]]) -> Iterator[Sequence[tuple[float, Candidate]]]:
    """Yield the candidates, best first, _BATCH_CANDIDATES at a time."""
    yield from (order[start : start + _BATCH_CANDIDATES] for start in range(0, len(order), _BATCH_CANDIDATES))


def find_missing_chunks(user: AnyUser, lookup: LookupResult) -> frozenset[int]:
    """Return the ids of candidates that have no searchable row any more, or none that the user may read."""
    ids = [candidate.chunk_id for candidate in lookup.candidates]
    existing: set[int] = set()
    for start in range(0, len(ids), ROWS):
        part = Chunk.all_objects.searchable().visible_to(user).filter(pk__in=ids[start : start + ROWS])
        existing.update(part.order_by().values_list("pk", flat=True))
    return frozenset(ids) - existing


def refresh_scope(user: AnyUser, scope: SearchScope) -> SearchScope:
    """Return the scope without collections that were deleted, or that the user may no longer read."""
    readable = {pk for pk, *_ in _load_collections(user, scope.collections)}
    return replace(
        scope,
        collections={pk: name for pk, name in scope.collections.items() if pk in readable},
        segments=tuple(segment for segment in scope.segments if UUID(segment.collection) in readable),
        settings={pk: own for pk, own in scope.settings.items() if pk in readable},
    )


def rank_documents(user: AnyUser, order: Sequence[tuple[float, Candidate]]) -> list[UUID]:
    """Return the documents of the candidates that the user may read, in the order of their best candidates."""
    ids = [candidate.chunk_id for _, candidate in order]
    owners: dict[int, UUID] = dict(
        Chunk.all_objects.searchable().visible_to(user).filter(pk__in=ids).order_by().values_list("pk", "document")
    )
    return list(dict.fromkeys(owners[pk] for pk in ids if pk in owners))


def _load_hits(
    user: AnyUser, part: Sequence[tuple[float, Candidate]], lookup: LookupResult
) -> tuple[list[SearchHit], list[NeighbourChunk]]:
    """Return hits of the candidates with a searchable row that the user may read, in order, and the chunks beside them.

    One query. The row decides: a candidate whose document was deleted, withheld or unshared has none.
    """
    scored = {candidate.chunk_id: (score, candidate) for score, candidate in part}
    hits: dict[int, SearchHit] = {}
    neighbours: list[NeighbourChunk] = []
    # `all_objects`, not `objects`: the searched segments may be those of an index build on trial.
    chunks = Chunk.all_objects.searchable().visible_to(user).filter(pk__in=scored, **_NEIGHBOUR_FILTER).order_by()
    rows = chunks.values_list(*_HIT_FIELDS, *(f"document__chunks__{name}" for name in _NEIGHBOUR_FIELDS))
    for row in rows:
        chunk_id, own, beside = row[0], row[: len(_HIT_FIELDS)], row[len(_HIT_FIELDS) :]
        if chunk_id not in hits:
            hits[chunk_id] = _make_hit(own, *scored[chunk_id], lookup)
        neighbours.append(NeighbourChunk(hits[chunk_id].document_id, *beside))
    return [hits[pk] for pk in scored if pk in hits], neighbours


def _make_hit(row: Sequence[Any], score: float, candidate: Candidate, lookup: LookupResult) -> SearchHit:
    """Return the hit of a candidate; `row` has the values of _HIT_FIELDS."""
    chunk, document, collection, title, name, kind, position, page, heading, start, end, text, keywords, language = row
    idf = lookup.idf
    own_terms = collect_terms(text, keywords)
    terms = own_terms | collect_terms(title or name, heading)
    covered, in_text = compute_coverage(idf, terms), compute_coverage(idf, own_terms)
    added = compute_coverage(idf, collect_terms(keywords)) if keywords else 0.0
    cosine = adjust_cosine(candidate.cosine, lookup.language, language)
    relevance = estimate_relevance(max(cosine, _KEYWORD_COSINE * added), covered, in_text)
    return SearchHit(
        chunk_id=chunk, document_id=document, collection_id=collection, title=title or name, kind=kind,
        position=position, page_number=page, heading=heading, start=start, end=end, text=text, terms=terms,
        cosine=candidate.cosine, bm25=candidate.bm25, score=score, relevance=relevance, is_noise=is_toc_or_noise(text),
    )  # fmt: skip


def load_page_texts(page_keys: Iterable[tuple[UUID, int]]) -> dict[tuple[UUID, int], str]:
    """Return the text of each page by (document, page number). Checks no permission: the caller does."""
    page_keys = set(page_keys)
    if not page_keys:
        return {}
    matching = Page.objects.filter(
        document__in={document for document, _ in page_keys}, number__in={number for _, number in page_keys}
    )
    rows = matching.order_by().values_list("document_id", "number", "text")
    return {(document, number): text for document, number, text in rows if (document, number) in page_keys}


_SCOPE_FIELDS = ("pk", "name", "search_settings")
_NEIGHBOUR_FILTER = {
    "document__chunks__position__range": (F("position") - REACH, F("position") + REACH),
    "document__chunks__build": F("build"),
    "document__chunks__enabled": True,  # chunks that a user switched off do not widen a hit either
}
