"""Ask the index for candidates: each collection by the embedder that indexed it, on one common scale of cosines.

Entry points: `look_up_candidates` (any embedders), `start_lookup` (the site's own only, without awaiting). Terms are
looked up in the segments of each embedder; their IDF is computed over all of them. Rows are not read here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from apps.documents.indexing import index_maintenance
from apps.documents.retrieval.candidates import LookupResult, SearchScope
from apps.documents.retrieval.score_fusion import EmbedderCandidates
from apps.engines import registry
from apps.engines.embed.calibration import IDENTITY_SCALE, LinearScale, find_scale
from apps.engines.embed.paired import PairedEmbedder
from apps.engines.index.scoring import join_idf
from apps.engines.types import (
    CANDIDATES,
    Candidate,
    EmbedEngine,
    EngineBroken,
    EngineError,
    EngineRefused,
    IndexQuery,
    IndexResult,
    SegmentInfo,
)  # fmt: skip
from apps.lib.concurrency.threads import PoolTask, in_db, in_pool, start_in_pool
from apps.lib.text.language_detection import guess_language

if TYPE_CHECKING:
    from apps.engines.types import Vectors

log = logging.getLogger(__name__)

_INCOMPATIBLE = (
    "cannot be searched: another embedding model than the one used now read the documents. An administrator can set "
    "EMBED_MODEL as it was, or rebuild the index with `manage.py reindex`."
)


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """Request to the index. `vector` is the task of the question's vector by the site's own embedder.

    `stop` is called with the name of a stage that ended. `excluded_chunks` holds ids of chunks that are not returned.
    `limit` is the number of candidates wanted by words and by vectors, each.
    """

    text: str
    vector: PoolTask[Vectors]
    stop: Callable[[str], None]
    excluded_chunks: frozenset[int] = frozenset()
    limit: int = CANDIDATES


@dataclass(frozen=True, slots=True)
class _EmbeddingSpace:
    """Segments of one embedder, with the embedder; name "" is the site's own."""

    name: str
    engine: EmbedEngine
    segments: tuple[SegmentInfo, ...]


async def look_up_candidates(scope: SearchScope, request: IndexRequest) -> LookupResult:
    """Return the candidates of all sound segments that the present embedder of their collection made.

    A damaged segment is skipped, logged, and its collection requested for rebuild. An embedder that fails is logged and
    its collections are skipped, except the site's own one, or if nothing else was found. Raises EngineError;
    EngineRefused if other embedders made all segments.
    """
    spaces = await _list_spaces(scope)
    if scope.segments and not spaces:
        names = " and ".join(sorted({scope.collections[UUID(segment.collection)] for segment in scope.segments}))
        raise EngineRefused(f"{names} {_INCOMPATIBLE}")
    tasks = [
        start_in_pool(space.engine.embed_query, request.text) if space.name else request.vector for space in spaces
    ]
    results: list[tuple[EmbedderCandidates, IndexResult, int]] = []
    searched: list[SegmentInfo] = []
    for space, vector in zip(spaces, tasks, strict=True):
        try:
            group, result = await _search_space(space, replace(request, vector=vector), scope.documents)
        except EngineError as error:
            if not space.name or (space is spaces[-1] and not results):
                raise
            log.error("The collections that “%s” reads are not searched: %s", space.name, error)
            continue
        results.append((group, result, sum(segment.count for segment in space.segments)))
        searched += space.segments
    if not searched:
        await request.vector
        request.stop("embed")
    is_multilingual = bool(spaces) and all(isinstance(space.engine, PairedEmbedder) for space in spaces)
    language = guess_language(request.text) if is_multilingual else ""
    return LookupResult(tuple(group for group, *_ in results), _merge_idf(results), tuple(searched), language)


def list_own_segments(scope: SearchScope) -> tuple[SegmentInfo, ...]:
    """Return the compatible segments if the site's own embedder alone has to be asked; else ()."""
    if not scope.segments or any(settings.embedder for settings in scope.settings.values()):
        return ()
    space = _make_space("", scope.segments)
    return space.segments if space is not None else ()


def start_lookup(
    scope: SearchScope, request: IndexRequest, segments: tuple[SegmentInfo, ...]
) -> PoolTask[LookupResult]:
    """Start the lookup in segments of the site's own embedder, in the thread that makes the vector.

    The task fails with EngineBroken if a segment is damaged.
    """

    def query(row: Vectors) -> LookupResult:
        result = _query_index(request, scope.documents, segments, row)
        return LookupResult((EmbedderCandidates(result.candidates, row, result.vectors),), result.idf, segments)

    return request.vector.then(query)


async def _search_space(
    space: _EmbeddingSpace, request: IndexRequest, documents: frozenset[str] | None
) -> tuple[EmbedderCandidates, IndexResult]:
    result = await _search_sound_segments(space, request, documents)
    vector = await request.vector
    scale = IDENTITY_SCALE
    if space.name:
        scale = await in_pool(find_scale, space.engine, registry.get_embedder(), request.text)
    return EmbedderCandidates(_rescale_cosines(result, scale), vector, result.vectors, scale), result


async def _search_sound_segments(
    space: _EmbeddingSpace, request: IndexRequest, documents: frozenset[str] | None
) -> IndexResult:
    live = list(space.segments)
    while live:
        try:
            return await request.vector.then(partial(_query_index, request, documents, live))
        except EngineBroken as error:
            damaged = [segment for segment in live if segment.id in str(error)]
            if not damaged:
                raise
            log.error("%s", error)
            await in_db(index_maintenance.request_rebuild, [segment.id for segment in damaged], str(error))
            request.stop("index")
            live = [segment for segment in live if segment not in damaged]
    return IndexResult((), {})


def _query_index(
    request: IndexRequest, documents: frozenset[str] | None, segments: Sequence[SegmentInfo], row: Vectors
) -> IndexResult:
    request.stop("embed")
    return registry.get_index().search(
        segments, IndexQuery(request.text, row, request.limit, documents, request.excluded_chunks)
    )


def list_unsearched(scope: SearchScope, lookup: LookupResult) -> tuple[str, ...]:
    """Return the names of collections of which at least one segment could not be searched, sorted."""
    owners = {UUID(segment.collection) for segment in scope.segments if segment not in lookup.segments}
    return tuple(sorted(scope.collections[owner] for owner in owners))


def list_searched(scope: SearchScope, lookup: LookupResult) -> tuple[str, ...]:
    """Return the names of all collections except those of which no segment could be searched, sorted.

    An empty collection has no segments, so it counts as searched.
    """
    owners = {UUID(segment.collection) for segment in scope.segments}
    served = {UUID(segment.collection) for segment in lookup.segments}
    return tuple(sorted(name for pk, name in scope.collections.items() if pk in served or pk not in owners))


async def _list_spaces(scope: SearchScope) -> list[_EmbeddingSpace]:
    """Return the searchable embedding spaces, the site's own first.

    Segments made by another embedder than the collection's present one are in none of them.
    """
    names: dict[str, list[SegmentInfo]] = {}
    for segment in scope.segments:
        names.setdefault(scope.settings[UUID(segment.collection)].embedder, []).append(segment)
    spaces = [
        _make_space(name, names[name]) if not name else await in_pool(_make_space, name, names[name])
        for name in sorted(names)
    ]  # in the pool: the weights of an additional embedder may have to be loaded first
    return [space for space in spaces if space is not None]


def _make_space(name: str, segments: Sequence[SegmentInfo]) -> _EmbeddingSpace | None:
    try:
        engine = registry.get_embedder(name)
        signature = (engine.fingerprint, engine.dimension)
    except EngineError as error:
        if not name:
            raise
        log.error("The collections that “%s” reads are not searched: %s", name, error)
        return None
    fits = tuple(segment for segment in segments if (segment.fingerprint, segment.dimension) == signature)
    return _EmbeddingSpace(name, engine, fits) if fits else None


def _rescale_cosines(result: IndexResult, scale: LinearScale) -> tuple[Candidate, ...]:
    if scale is IDENTITY_SCALE:
        return result.candidates
    return tuple(replace(candidate, cosine=scale.apply(candidate.cosine)) for candidate in result.candidates)


def _merge_idf(results: Sequence[tuple[EmbedderCandidates, IndexResult, int]]) -> dict[str, float]:
    """Return the IDF of each term over all chunks searched; that of the index if there is one embedder only."""
    if len(results) == 1:
        return results[0][1].idf
    return join_idf([(result.idf, count) for _, result, count in results])
