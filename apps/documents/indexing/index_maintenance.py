"""Maintain the index: merge small segments and those with deleted chunks, rebuild damaged ones, remove unused files.

The database rows are the source. A rewrite makes new segments beside the live ones and swaps them in one transaction.
Old segments are retired, and their files removed after GRACE_S, when no search can read them any more. At most one
process rewrites a collection (`IndexLease`). Entry points: `merge`, `reindex`, `maintain_indexes`, `request_rebuild`,
`create_segment`.
"""

from __future__ import annotations

import logging
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from apps.documents.indexing import embedders
from apps.documents.models import Chunk, IndexMaintenance, Segment, SegmentCopy
from apps.engines import registry
from apps.engines.types import EmbedEngine, EngineError, Part, SegmentInfo
from apps.lib.db import leases

log = logging.getLogger(__name__)

LEASE_S = 900  # seconds; renewed with every part, which takes seconds, but finishing a large segment takes minutes
GRACE_S = 600  # seconds until files are removed; a search takes milliseconds, the rest allows for differing clocks
# Chunks of one segment. Above this size, another segment costs a search little, and a rewrite costs much.
MAX_SEGMENT_CHUNKS = 1 << 20
CHUNKS_PER_PART = 4096  # chunks that are read from the rows at a time: about 15 MB
MERGE_FAN = 8  # segments of about one size that are merged: fewer rewrite chunks more often, more slow searches down
SIZE_BITS = 4  # sizes within a factor of 16 count as one, so a chunk is rewritten a handful of times in all
MAX_DELETED_SHARE = 0.2  # share of deleted chunks above which a segment is rewritten

QUIET_S = 60  # seconds without a new segment after which all small segments are merged
QUIET_CHUNKS = 4096  # chunks of these; rewritten in about a second, and each segment less saves a search 0.2 ms
ROWS = 500  # primary keys in one SQL statement; SQLite and drivers have limits
# Fields that `str(document)` uses.
_NAME_FIELDS = [f"document__{field}" for field in ("title", "name", "version", "status")]

Progress = Callable[[int, int], None]


def _ignore_progress(done: int, total: int) -> None:
    pass


class IndexBusy(Exception):
    """Error: another process is rewriting the index of this collection."""


def request_rebuild(segments: Iterable[str], reason: str) -> None:
    """Request a rebuild of the collections of these segments, by hex id. The next `maintain_indexes` does it."""
    for collection in Segment.objects.live().filter(pk__in=segments).values_list("collection", flat=True).distinct():
        IndexMaintenance.objects.update_or_create(collection_id=collection, defaults={"rebuild_reason": reason[:200]})


def list_due_segments(collection: UUID) -> list[Segment]:
    """Return the live segments that should be rewritten.

    These have many deleted chunks, or words added since; or there are MERGE_FAN of about one size. If nothing is being
    added, all small ones are due too.
    """
    rows = list(Segment.objects.live().filter(collection=collection))
    there = _count_live_chunks(rows)
    holed = [row for row in rows if row.stale_since or there.get(row.pk, 0) < row.count * (1 - MAX_DELETED_SHARE)]
    sizes: dict[int, list[Segment]] = {}
    for row in rows:
        if row not in holed and row.count <= MAX_SEGMENT_CHUNKS // 2:
            sizes.setdefault(row.count.bit_length() // SIZE_BITS, []).append(row)
    small = [row for tier in sizes.values() for row in tier if row.count <= QUIET_CHUNKS]
    if _is_quiet(rows) and len(small) > 1 and sum(row.count for row in small) <= QUIET_CHUNKS:
        return holed + small
    return holed + [row for tier in sizes.values() if len(tier) >= MERGE_FAN for row in tier]


def _is_quiet(rows: Sequence[Segment]) -> bool:
    """Return whether no segment was added for QUIET_S."""
    return all(row.created < timezone.now() - timedelta(seconds=QUIET_S) for row in rows)


def merge(collection: UUID) -> int:
    """Rewrite the segments that are due. Return how many were replaced.

    Returns 0 if another process is rewriting. EngineError is only logged, because the live index stays whole. Must not
    run inside a transaction.
    """
    if not list_due_segments(collection):
        return 0
    try:
        with IndexLease(collection) as lease:
            old = list_due_segments(collection)
            _rewrite(lease, old)
            return len(old)
    except IndexBusy:
        return 0
    except EngineError as error:
        log.warning("The index of collection %s could not be merged: %s", collection, error)
        return 0


def reindex(collection: UUID, progress: Progress = _ignore_progress) -> int:
    """Rebuild the whole index of a collection beside the live one, and swap. Return the number of chunks in it.

    Chunks with a vector of another embedder are embedded again. `progress` is called with (done, total) chunks. Must
    not run inside a transaction. Raises IndexBusy and EngineError.
    """
    with IndexLease(collection) as lease:
        old = list(Segment.objects.live().filter(collection=collection))
        count = _rewrite(lease, old, embedders.get_embedder_by_id(collection), progress)
        IndexMaintenance.objects.filter(pk=collection).update(rebuild_reason="", rebuilt=timezone.now())
        return count


def sweep() -> int:
    """Delete segments retired longer than GRACE_S ago, and files that no row names. Return how many.

    Files without a row stay while any index is being rewritten: the rows of its new files come at the end.
    """
    limit = timezone.now() - timedelta(seconds=GRACE_S)
    old = list(Segment.objects.filter(retired__lt=limit))
    registry.get_index().drop([segment.info for segment in old])
    Segment.objects.filter(pk__in=[segment.pk for segment in old]).delete()
    if IndexMaintenance.objects.filter(lease_until__gt=timezone.now()).exists():
        return len(old)
    known = [segment.info for segment in Segment.objects.all()]
    return len(old) + registry.get_index().sweep(known + [row.copy for row in SegmentCopy.objects.all()])


def maintain_indexes() -> None:
    """Rebuild damaged indexes, merge what is due, and sweep, over all collections. A periodic job of the worker."""
    for collection in list(IndexMaintenance.objects.exclude(rebuild_reason="").values_list("pk", flat=True)):
        try:
            log.info("rebuilt the index of collection %s (%d passages)", collection, reindex(collection))
        except IndexBusy:
            log.info("the index of collection %s is being rewritten by another process", collection)
        except EngineError as error:
            log.error("The index of collection %s could not be rebuilt: %s", collection, error)
    for collection in _list_candidates():
        merge(collection)
    sweep()


def _list_candidates() -> set[UUID]:
    """Return collections with several segments, with deleted chunks, or with words added since. Takes two queries in
    all."""
    live = list(Segment.objects.live().values_list("collection", "pk", "count", "stale_since"))
    live_counts = _count_live_chunks()
    several = Counter(collection for collection, *_ in live)
    return {
        collection
        for collection, pk, count, stale_since in live
        if several[collection] > 1 or stale_since or live_counts.get(pk, 0) < count
    }


def _count_live_chunks(segments: Sequence[Segment] | None = None) -> dict[UUID, int]:
    """Return the number of live chunks per segment; `segments` None: of all segments. A segment without chunks has no
    entry.

    Reads only the database index on segment and build, never the texts and vectors of the rows.
    """
    rows = (
        Chunk.objects.filter(segment__isnull=False) if segments is None else Chunk.objects.filter(segment__in=segments)
    )
    return dict(rows.order_by().values_list("segment").annotate(Count("segment")))


class IndexLease:
    """Context manager that holds the right to rewrite one collection's index. Entering and `renew` raise IndexBusy."""

    def __init__(self, collection: UUID) -> None:
        self.collection = collection

    def __enter__(self) -> IndexLease:
        IndexMaintenance.objects.get_or_create(collection_id=self.collection)
        token = leases.claim(IndexMaintenance.objects.all(), self.collection, LEASE_S)
        if token is None:
            raise IndexBusy
        self._token = token
        return self

    def __exit__(self, *error: object) -> None:
        leases.release(IndexMaintenance.objects.all(), self.collection, self._token, attempts=0)

    def renew(self) -> None:
        """Extend the lease by LEASE_S. Raises IndexBusy if it was lost."""
        if not leases.renew(IndexMaintenance.objects.all(), self.collection, self._token, LEASE_S):
            raise IndexBusy


@dataclass(frozen=True, slots=True)
class _ChunkRange:
    """Range of chunks that become one segment: those of the old segments between two ids, all of one embedder."""

    ids: Sequence[int]  # ascending
    fingerprint: str
    embed: EmbedEngine | None  # embeds chunks of other embedders again; None: vectors are copied


def _rewrite(
    lease: IndexLease, old: Sequence[Segment], embed: EmbedEngine | None = None, progress: Progress = _ignore_progress
) -> int:
    """Write new segments with the remaining chunks of the old ones, and swap them in one transaction. Return the
    chunks.

    With `embed` all vectors are made by that embedder.
    """
    written: list[tuple[SegmentInfo, _ChunkRange]] = []
    shares = list(_plan_ranges(old, embed))
    total, done = sum(len(share.ids) for share in shares), 0
    try:
        for share in shares:
            before = done

            def report(part: int, before: int = before) -> None:
                lease.renew()
                progress(before + part, total)

            report(0)
            parts = iter_parts(share.ids, report, share.embed)
            info = registry.get_index().build(lease.collection.hex, parts, len(share.ids), share.fingerprint)
            written.append((info, share))
            done += len(share.ids)
        with transaction.atomic():
            lease.renew()
            _swap(old, written)
    except BaseException:  # also when the worker is told to stop: an unfinished rewrite leaves no files
        registry.get_index().drop([info for info, _ in written])
        raise
    return total


def _plan_ranges(old: Sequence[Segment], embed: EmbedEngine | None) -> Iterator[_ChunkRange]:
    ids_by_fingerprint: dict[str, array[int]] = {}
    for fingerprint, pk in (
        Chunk.objects.filter(segment__in=old).order_by("pk").values_list("fingerprint", "pk").iterator()
    ):
        ids_by_fingerprint.setdefault(embed.fingerprint if embed else fingerprint, array("q")).append(pk)
    for kind, ids in ids_by_fingerprint.items():
        for start in range(0, len(ids), MAX_SEGMENT_CHUNKS):
            yield _ChunkRange(ids[start : start + MAX_SEGMENT_CHUNKS], kind, embed)


def iter_parts(ids: Sequence[int], report: Callable[[int], None], embed: EmbedEngine | None = None) -> Iterator[Part]:
    """Yield the chunks that still exist as the index writes them, CHUNKS_PER_PART at a time.

    `report` is called with the number of ids done. Chunks of other embedders are embedded again by `embed`; None:
    vectors are copied.
    """
    for start in range(0, len(ids), CHUNKS_PER_PART):
        if rows := load_chunks(ids[start : start + CHUNKS_PER_PART]):
            if embed is not None:
                embedders.reembed_chunks(rows, embed, partial(report, start))
            vectors = np.stack([np.frombuffer(row.vector, dtype=np.float32) for row in rows])
            yield [row.entry for row in rows], vectors
        report(min(start + CHUNKS_PER_PART, len(ids)))


def _swap(old: Sequence[Segment], written: Sequence[tuple[SegmentInfo, _ChunkRange]]) -> None:
    rows = [create_segment(info) for info, _ in written]
    for row, (_, share) in zip(rows, written, strict=True):
        chunks = Chunk.objects.filter(segment__in=old, pk__range=(share.ids[0], share.ids[-1]))
        chunks.filter(fingerprint=share.fingerprint).update(segment=row)
    old_stale_since = {segment.pk: segment.stale_since for segment in old}
    for pk, stale_since in Segment.objects.filter(pk__in=old_stale_since).values_list("pk", "stale_since"):
        if stale_since != old_stale_since[pk]:  # words were added meanwhile: rewrite once more
            Segment.objects.filter(pk__in=[row.pk for row in rows]).update(stale_since=stale_since)
    Segment.objects.filter(pk__in=old_stale_since).update(retired=timezone.now())


def create_segment(info: SegmentInfo, build: int = 0) -> Segment:
    """Create the row that makes a written segment live, or part of an index build if `build` is its id.

    Usually runs inside the transaction that assigns the chunks.
    """
    return Segment.objects.create(
        build=build,
        id=UUID(info.id), collection_id=UUID(info.collection), count=info.count, dimension=info.dimension,
        fingerprint=info.fingerprint, kind=info.kind, checksum=info.checksum, size_bytes=info.size_bytes,
        backend=info.backend,
    )  # fmt: skip


def load_chunks(ids: Sequence[int]) -> list[Chunk]:
    """Return the chunks that still exist, by id, with the fields that the index needs."""
    rows: list[Chunk] = []
    for start in range(0, len(ids), ROWS):
        part = Chunk.all_objects.filter(pk__in=ids[start : start + ROWS]).select_related("document")
        rows += part.only("text", "heading", "keywords", "vector", "fingerprint", *_NAME_FIELDS).order_by("pk")
    return rows
