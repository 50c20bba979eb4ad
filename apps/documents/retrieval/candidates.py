"""From a question's candidates in the index to rows that the person may read, ranked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, F, Q
from django.utils import timezone

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
    compute_coverage,
    compute_threshold,
    compute_word_coverage,
    estimate_relevance,
)
from apps.documents.retrieval.score_fusion import EmbedderCandidates, fuse_embedders
from apps.documents.retrieval.toc_detection import is_toc_or_noise
from apps.documents.settings import DEFAULT_SETTINGS, RELEVANCE_THRESHOLD, CollectionSettings, read_collection_settings
from apps.engines.index.scoring import compute_idf as word_weight
from apps.engines.types import Candidate, SegmentInfo

if TYPE_CHECKING:
    from apps.users.models import AnyUser

_ADDED = 0.4  # the likeness that a person vouches for who added all words of the question to a passage
_WEIGHED = 30  # candidates that are read at a time: the index orders by another measure than relevance
MAX_PASSAGES = 12  # passages; with 8 the right one was left out for 5 % more of the questions of COVID-QA
NEAREST = 2  # passages that are shown, folded, where nothing is relevant
JUST_ADDED_S = 120  # after which a user no longer expects answers to wait for a file that they added
ROWS = 500  # of one statement

_OWN = (
    "pk", "document__title", "document__name", "position", "page_number", "heading", "char_start", "char_end", "text",
    "keywords", "document_id", "document__collection_id", "document__kind",
)  # fmt: skip
_BESIDE = ("position", "page_number", "heading", "char_start", "char_end")


@dataclass(frozen=True, slots=True)
class SearchScope:
    """What one person may search now."""

    collections: dict[UUID, str]
    segments: tuple[SegmentInfo, ...]
    tunings: Mapping[UUID, CollectionSettings] = field(
        default_factory=dict
    )  # of those that are not searched as by default
    documents: frozenset[str] | None = None  # hex of the only ones that are looked into; None: all


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What the index found for one question: by embedder, and how rare its words are over all that was searched."""

    sides: tuple[EmbedderCandidates, ...]
    idf: dict[str, float]
    segments: tuple[SegmentInfo, ...]  # that could be searched

    @property
    def candidates(self) -> list[Candidate]:
        return [candidate for side in self.sides for candidate in side.candidates]

    @property
    def unknown(self) -> float:
        """The weight of a word that stands nowhere in what was searched."""
        return word_weight(0, sum(segment.count for segment in self.segments))


@dataclass(frozen=True, slots=True)
class RankedWindows:
    """Windows worth reading for one query, best first, the pages that they are read from, and what was weighed."""

    windows: tuple[PassageWindow, ...]
    pages: dict[tuple[UUID, int], str]
    hits: tuple[SearchHit, ...] = ()  # all whose rows were read, best first; those in no window were dropped
    least: float = 0.0  # relevance below which a hit is dropped
    gone: int = 0  # candidates without a row, where passages are wanting; 0 where there are enough
    nearest: tuple[PassageWindow, ...] = ()  # the best all the same, where there are no windows

    @property
    def relevance(self) -> float:
        return max((window.hit.relevance for window in self.windows), default=0.0)


def resolve_scope(user: AnyUser, wanted: Sequence[UUID]) -> SearchScope:
    """The collections that this person may read (of those wanted, if any), and their live segments."""
    rows = _collections(user, wanted) if wanted else Collection.objects.visible_to(user).values_list(*_SCOPE)
    collections = {pk: name for pk, name, _ in rows}
    tunings = {pk: read_collection_settings(kept) for pk, _, kept in rows if kept}
    segments = Segment.objects.live().filter(collection__in=collections)
    return SearchScope(collections, tuple(segment.info for segment in segments), tunings)


def _collections(user: AnyUser, wanted: Iterable[UUID]) -> Iterable[tuple[UUID, str, dict[str, Any]]]:
    """Return key, name and settings of those of the wanted collections that the user may read."""
    return Collection.objects.visible_to(user).filter(pk__in=wanted).values_list(*_SCOPE)


def make_trial_scope(build: IndexBuild) -> SearchScope:
    """What is searched where a build is tried: its collection by its settings. The caller asked who may."""
    place = build.collection
    segments = Segment.objects.filter(retired__isnull=True, build=build.pk if build.cut else 0, collection=place)
    return SearchScope({place.pk: place.name}, tuple(segment.info for segment in segments), {place.pk: build.wanted})


def count_scope(user: AnyUser, place: SearchScope) -> tuple[int, int, int]:
    """Return how many documents were looked into, how many of the collections are still being read, and how many of
    those this user added within the last JUST_S seconds."""
    just = Q(uploaded_by=user.pk, created__gte=timezone.now() - timedelta(seconds=JUST_ADDED_S))
    statuses = (
        Document.objects.filter(collection__in=place.collections, status__in=[Document.Status.READY, *Document.ACTIVE])
        .order_by()
        .values_list("status")
        .annotate(count=Count("pk"), own=Count("pk", filter=just))
    )
    counts = {status: (count, own) for status, count, own in statuses}
    ready, _ = counts.pop(Document.Status.READY, (0, 0))
    waiting, own = (sum(column) for column in zip((0, 0), *counts.values(), strict=True))
    return ready if place.documents is None else len(place.documents), waiting, own


def score_candidates(seen: LookupResult, meaning: float) -> list[tuple[float, Candidate]]:
    """Every candidate with its score, best first. Where the index did not bring the vectors that the best are compared
    by, the rows have them."""
    return fuse_embedders([side if side.vectors is not None else _with_vectors(side) for side in seen.sides], meaning)


def _with_vectors(side: EmbedderCandidates) -> EmbedderCandidates:
    ids = [candidate.chunk_id for candidate in side.candidates]
    rows = Chunk.every.filter(pk__in=ids).order_by().values_list("pk", "vector")
    return replace(side, vectors=dict(rows))


def load_texts(user: AnyUser, ids: Sequence[int]) -> dict[int, str]:
    """What a reader of passages is given of each: title, headings and text. None of what may not be read."""
    found = Chunk.every.searchable().visible_to(user).filter(pk__in=ids).order_by()
    rows = found.values_list("pk", "document__title", "document__name", "heading", "text")
    return {pk: "\n".join(filter(None, [title or name, heading, text])) for pk, title, name, heading, text in rows}


def rank_windows(
    user: AnyUser,
    order: Sequence[tuple[float, Candidate]],
    seen: LookupResult,
    tunings: Mapping[UUID, CollectionSettings],
) -> RankedWindows:
    """The windows of the best candidates that are still there, may be read, and are relevant."""
    hits: list[SearchHit] = []
    neighbours: list[NeighbourChunk] = []
    kept: list[SearchHit] = []
    least, gone = 0.0, 0
    for part in _batches(order):
        rows = _rows(user, [candidate.chunk_id for _, candidate in part])
        gone += len(part) - len(rows)
        neighbours += [near for row in rows.values() for near in row.neighbours]
        for score, candidate in part:
            if candidate.chunk_id in rows:
                hits.append(_hit(rows[candidate.chunk_id], score, candidate, seen.idf))
        best = max((hit.relevance for hit in hits), default=0.0)
        floors = {hit.collection_id: compute_threshold(best, _own_floor(hit, tunings)) for hit in hits}
        least = min(floors.values(), default=compute_threshold(best))
        relevant = _without_lists([hit for hit in hits if hit.relevance >= floors[hit.collection_id]])
        kept = select_diverse(relevant, MAX_PASSAGES)
        if len(kept) == MAX_PASSAGES or (len(hits) >= _WEIGHED and len(kept) == len(relevant)):
            break  # enough; or of those that the index finds best nothing was deleted or repeated
    kept = kept or select_diverse(
        _found_by_words([hit for hit in hits if _own_floor(hit, tunings) <= RELEVANCE_THRESHOLD], seen), MAX_PASSAGES
    )
    found = merge_neighbours(kept, neighbours)
    nearest = (
        []
        if found
        else merge_neighbours(sorted(_without_lists(hits), key=lambda hit: -hit.relevance)[:NEAREST], neighbours)
    )
    gone = 0 if len(kept) == MAX_PASSAGES else gone
    pages = _pages({window.page for window in [*found, *nearest]})
    return RankedWindows(tuple(found), pages, tuple(hits), least, gone, tuple(nearest))


def _own_floor(hit: SearchHit, tunings: Mapping[UUID, CollectionSettings]) -> float:
    """Return the least relevance, 0 to 1, that the hit's collection asks for; a raised one holds for words too."""
    return tunings.get(hit.collection_id, DEFAULT_SETTINGS).floor


def _without_lists(hits: list[SearchHit]) -> list[SearchHit]:
    """Return the hits without tables of contents, indexes and noise; with them where there is nothing else."""
    return [hit for hit in hits if not hit.lists] or hits


def _found_by_words(hits: Sequence[SearchHit], seen: LookupResult) -> list[SearchHit]:
    """Return the hits that hold most of what the question says, its rarest word included. Meaning tells little of a
    question of one word, or where a long passage says a little of it."""
    covered = {hit.chunk_id: compute_word_coverage(seen.idf, hit.terms, seen.unknown) for hit in hits}
    return _without_lists([hit for hit in hits if covered[hit.chunk_id] >= WORD_MATCH_COVERAGE])


def _batches(order: Sequence[tuple[float, Candidate]]) -> Iterator[Sequence[tuple[float, Candidate]]]:
    """Yield the candidates, best first, _WEIGHED at a time."""
    yield from (order[start : start + _WEIGHED] for start in range(0, len(order), _WEIGHED))


def find_missing_chunks(user: AnyUser, seen: LookupResult) -> frozenset[int]:
    """The candidates that have no row any more, or none that this person may read."""
    ids = [candidate.chunk_id for candidate in seen.candidates]
    there: set[int] = set()
    for start in range(0, len(ids), ROWS):
        part = Chunk.every.searchable().visible_to(user).filter(pk__in=ids[start : start + ROWS])
        there.update(part.order_by().values_list("pk", flat=True))
    return frozenset(ids) - there


def refresh_scope(user: AnyUser, place: SearchScope) -> SearchScope:
    """The same without collections that were deleted or unshared since."""
    names = {pk: name for pk, name, _ in _collections(user, place.collections)}
    return replace(place, collections=names, segments=tuple(s for s in place.segments if UUID(s.collection) in names))


def rank_documents(user: AnyUser, order: Sequence[tuple[float, Candidate]]) -> list[UUID]:
    """The documents of the candidates that the person may read, each where its best passage stands."""
    ids = [candidate.chunk_id for _, candidate in order]
    owners: dict[int, UUID] = dict(
        Chunk.every.searchable().visible_to(user).filter(pk__in=ids).order_by().values_list("pk", "document")
    )
    return list(dict.fromkeys(owners[pk] for pk in ids if pk in owners))


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
    keywords: str
    neighbours: list[NeighbourChunk]


def _rows(user: AnyUser, ids: Sequence[int]) -> dict[int, _Row]:
    """Rows decide: a candidate whose document was deleted, hidden or unshared since has none. One query, with the
    chunks beside each."""
    found: dict[int, _Row] = {}
    # Of the segments that were searched, which may be those of a build on trial.
    chunks = Chunk.every.searchable().visible_to(user).filter(pk__in=ids, **_NEAR).order_by()
    rows = chunks.values_list(*_OWN, *(f"document__chunks__{name}" for name in _BESIDE))
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
        keywords,
        document,
        collection,
        kind,
        *beside,
    ) in rows:
        row = found.get(pk)
        if row is None:
            row = found[pk] = _Row(
                document, collection, title or name, kind, position, page, heading, start, end, text, keywords, []
            )  # fmt: skip
        row.neighbours.append(NeighbourChunk(document, *beside))
    return found


def _hit(row: _Row, score: float, candidate: Candidate, idf: Mapping[str, float]) -> SearchHit:
    text = collect_terms(row.text, row.keywords)
    words = text | collect_terms(row.title, row.heading)
    covered, in_text = compute_coverage(idf, words), compute_coverage(idf, text)
    added = compute_coverage(idf, collect_terms(row.keywords)) if row.keywords else 0.0
    return SearchHit(
        chunk_id=candidate.chunk_id,
        document_id=row.document_id,
        collection_id=row.collection_id,
        title=row.title,
        kind=row.kind,
        position=row.position,
        page_number=row.page_number,
        heading=row.heading,
        start=row.start,
        end=row.end,
        text=row.text,
        terms=words,
        cosine=candidate.cosine,
        bm25=candidate.bm25,
        score=score,
        relevance=estimate_relevance(max(candidate.cosine, _ADDED * added), covered, in_text),
        lists=is_toc_or_noise(row.text),
    )


def _pages(wanted: Iterable[tuple[UUID, int]]) -> dict[tuple[UUID, int], str]:
    wanted = set(wanted)
    if not wanted:
        return {}
    found = Page.objects.filter(
        document__in={document for document, _ in wanted}, number__in={number for _, number in wanted}
    )
    rows = found.order_by().values_list("document_id", "number", "text")
    return {(document, number): text for document, number, text in rows if (document, number) in wanted}


_SCOPE = ("pk", "name", "tuning")
_NEAR = {
    "document__chunks__position__range": (F("position") - REACH, F("position") + REACH),
    "document__chunks__build": F("build"),
    "document__chunks__enabled": True,  # what was switched off is not read beside a hit either
}
