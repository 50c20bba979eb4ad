"""Move the whole index to another backend while it is searched and added to.

Each segment is written to the new backend from its rows, verified, and searched for passages that it must find.
Finished segments stay if the migration is interrupted. At the end each collection switches in one transaction, together
with segments added meanwhile. `migrate_index` is the entry point.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone

from apps.documents.indexing import index_maintenance
from apps.documents.models import Chunk, Segment, SegmentCopy
from apps.engines import registry
from apps.engines.types import EngineBroken, Index, IndexQuery, SegmentInfo

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
SAMPLE = 20  # passages of each segment that are searched for in the copy
_MAX_DIFFERENCE = 0.01  # by which the cosine of a passage with itself may differ from 1: backends round


def migrate_index(target: str, progress: Progress) -> int:
    """Copy all searched segments into the backend `target` and switch to it. Return how many segments were switched.

    `progress` is called with (done, total) chunks. Must not run inside a transaction. Raises EngineError if a backend
    fails, and IndexBusy if another process rewrites a collection; finished copies stay.
    """
    index = registry.get_index_by_name(target)
    waiting = Segment.objects.filter(retired__isnull=True).exclude(backend=target)
    total, done = sum(waiting.values_list("count", flat=True)), 0
    collections = list(waiting.order_by().values_list("collection", flat=True).distinct())
    for collection in collections:
        with index_maintenance.IndexLease(collection) as lease:
            _drop_stale_copies(collection, target)
            for row in _missing(collection, target):
                _copy_segment(lease, row, target, index, lambda part: progress(done + part, total))  # noqa: B023
                done += row.count
    return sum(_switch_collection(collection, target, index) for collection in collections)


def _missing(collection: UUID, target: str) -> list[Segment]:
    """Return the segments in other backends that have no copy yet."""
    rows = Segment.objects.filter(retired__isnull=True, collection=collection).exclude(backend=target)
    return list(rows.exclude(pk__in=SegmentCopy.objects.values("segment")))


def _drop_stale_copies(collection: UUID, target: str) -> None:
    """Drop copies of segments that a merge has replaced, and copies for another target."""
    prepared = SegmentCopy.objects.filter(segment__collection=collection)
    for row in [*prepared.filter(segment__retired__isnull=False), *prepared.exclude(backend=target)]:
        registry.get_index_by_name(row.backend).drop([row.copy])
        row.delete()


def _copy_segment(
    lease: index_maintenance.IndexLease, row: Segment, target: str, index: Index, report: Callable[[int], None]
) -> None:
    """Copy the segment into the target, verify it, and record the copy."""
    ids = array("q", Chunk.all_objects.filter(segment=row).order_by("pk").values_list("pk", flat=True))
    if not ids:
        return  # all chunks were deleted: the segment is retired when the collection is switched

    def renewed(part: int) -> None:
        lease.renew()
        report(part)

    parts = index_maintenance.iter_parts(ids, renewed)
    info = index.build(row.collection_id.hex, parts, len(ids), row.fingerprint)
    try:
        _check_search(index, info, ids)
        lease.renew()
        SegmentCopy.objects.create(segment=row, backend=target, info=asdict(info) | {"backend": target})
    except BaseException:
        index.drop([info])
        raise


def _check_search(index: Index, info: SegmentInfo, ids: Sequence[int]) -> None:
    """Raise EngineBroken if the copy was not read back as written, or does not find its own passages."""
    if not index.verify(info):
        raise EngineBroken(f"The index segment {info.id} was not read back as it was written.")
    for row in index_maintenance.load_chunks(ids[:: max(1, len(ids) // SAMPLE)][:SAMPLE]):
        vector = np.frombuffer(row.vector, dtype=np.float32)
        found = index.search([info], IndexQuery("", vector, 10)).candidates
        if not found or found[0].cosine < 1 - _MAX_DIFFERENCE:
            raise EngineBroken(f"The index segment {info.id} does not find the passage {row.pk} that it holds.")


def _switch_collection(collection: UUID, target: str, index: Index) -> int:
    """Switch the collection to its copies in one transaction. Return how many."""
    with index_maintenance.IndexLease(collection) as lease:
        _drop_stale_copies(collection, target)
        for row in _missing(collection, target):  # segments added since the first pass
            _copy_segment(lease, row, target, index, lambda part: None)
        with transaction.atomic():
            lease.renew()
            prepared = SegmentCopy.objects.filter(segment__collection=collection).select_related("segment")
            for copy in prepared:
                _switch_segment(copy)
            empty = Segment.objects.filter(retired__isnull=True, collection=collection).exclude(backend=target)
            empty.exclude(chunks__isnull=False).update(retired=timezone.now())
            return len(prepared)


def _switch_segment(row: SegmentCopy) -> None:
    old = row.segment
    new = index_maintenance.create_segment(row.copy, old.build)
    Chunk.all_objects.filter(segment=old).update(segment=new)
    if old.stale_since and old.stale_since > row.created:  # words were added since the copy: a merge will write them
        Segment.objects.filter(pk=new.pk).update(stale_since=old.stale_since)
    Segment.objects.filter(pk=old.pk).update(retired=timezone.now())
    row.delete()
