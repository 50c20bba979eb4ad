"""Put chunks back into the index whose text has changed: embed them again and write them into a new segment.

Segments that still know the old words are rewritten first; until then the new text is not found. The rows are the
queue: every chunk of a ready document without a segment waits.
"""

from __future__ import annotations

import logging
from uuid import UUID

import numpy as np
from django.db import transaction

from apps.documents.indexing import embedders, index_maintenance
from apps.documents.models import Chunk, ChunkQuerySet, Document, Segment
from apps.engines import registry
from apps.engines.types import EngineError

log = logging.getLogger(__name__)

_MAX_CHUNKS = 2000  # chunks per call: the embedder takes a few seconds for them on two cores


def select_unindexed_chunks() -> ChunkQuerySet:
    """Return the chunks of ready documents that are in no segment."""
    return Chunk.objects.filter(segment=None, document__status=Document.Status.READY)


def reindex_chunks(collection: UUID) -> int:
    """Embed and index up to 2,000 unindexed chunks of the collection. Return how many are searchable again.

    Return 0 without a change if another process rewrites the index, or if a text changed meanwhile: the next call tries
    again. Must not run inside a transaction. Raises EngineError.
    """
    if not select_unindexed_chunks().filter(document__collection=collection).exists():
        return 0
    index_maintenance.merge(collection)
    if Segment.objects.live().filter(collection=collection, stale_since__isnull=False).exists():
        return 0
    rows = list(
        select_unindexed_chunks()
        .filter(document__collection=collection)
        .select_related("document")
        .order_by("pk")[:_MAX_CHUNKS]
    )
    if not rows:  # all were deleted meanwhile
        return 0
    engine = embedders.get_embedder_by_id(collection)
    embedders.reembed_chunks(rows, engine, lambda: None)
    vectors = np.stack([np.frombuffer(row.vector, dtype=np.float32) for row in rows])
    info = registry.get_index().write(collection.hex, [row.entry for row in rows], vectors, engine.fingerprint)
    try:
        with transaction.atomic():
            known = Chunk.objects.select_for_update(of=("self",)).filter(pk__in=[row.pk for row in rows], segment=None)
            current = {row.pk: row.entry for row in known.select_related("document").defer("vector")}
            unchanged = all(current.get(row.pk) == row.entry for row in rows)
            if unchanged:
                Chunk.objects.filter(pk__in=current).update(segment=index_maintenance.create_segment(info))
            else:  # a text changed meanwhile, so its vector is of the old text
                Chunk.objects.filter(pk__in=current).update(vector=b"", fingerprint="")
    except BaseException:
        registry.get_index().drop([info])
        raise
    if not unchanged:
        registry.get_index().drop([info])
    return len(rows) if unchanged else 0


def sweep() -> int:
    """Reindex up to 10 collections with unindexed chunks; a periodic job. Return the number of chunks.

    A collection whose embedder fails does not delay the others.
    """
    places = set(select_unindexed_chunks().order_by().values_list("document__collection", flat=True).distinct()[:10])
    return sum(map(_try_reindex, places))


def _try_reindex(collection: UUID) -> int:
    try:
        return reindex_chunks(collection)
    except EngineError as error:
        log.warning("Passages of collection %s wait to be found again: %s", collection, error)
        return 0
