"""The care of the index: small and hole-ridden segments are merged, damaged ones rebuilt, what nobody reads is swept.

The rows are the truth. A rewrite makes new segments from them beside the live ones and swaps in one transaction; the
old ones are retired, and their files go only when no search can be reading them any more. One process a collection
rewrites.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from apps.documents.chunking import Chunker, embedded
from apps.documents.models import Chunk, ChunkQuerySet, IndexCare, Segment
from apps.engines import registry
from apps.engines.base import EmbedEngine, EngineError, IndexEntry, SegmentInfo
from apps.lib import leases

log = logging.getLogger(__name__)

LEASE_S = 300  # renewed with every part; a part takes seconds
GRACE_S = 600  # a search takes milliseconds; the rest is for clocks that differ
PART = 16_384  # chunks of one new segment: about 60 MB of memory while it is made
FAN = 4  # so many segments of about one size become one
SIZE_BITS = 4  # "about one size" is within a factor of 16: a chunk is rewritten a handful of times in its life
HOLES = 0.2  # share of deleted chunks above which a segment is rewritten

QUIET_S = 60
QUIET_CHUNKS = 4096  # are rewritten in about a second; each segment less makes every search 0.2 ms quicker
ROWS = 500  # of one statement; SQLite and drivers have limits

Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    pass


class Busy(Exception):
    """Another process is rewriting this collection's index."""


def ask_for_rebuild(segments: Iterable[str], why: str) -> None:
    """The collections of these segments are rebuilt by the next round of care."""
    for collection in Segment.objects.live().filter(pk__in=segments).values_list("collection", flat=True).distinct():
        IndexCare.objects.update_or_create(collection_id=collection, defaults={"rebuild": why[:200]})


def due(collection: UUID) -> list[Segment]:
    """The live segments that are better rewritten: those with many holes, each size of which there are FAN, and, when
    nothing is being added, all small ones."""
    rows = list(Segment.objects.live().filter(collection=collection))
    there = dict(Chunk.objects.filter(segment__in=rows).order_by().values_list("segment").annotate(Count("pk")))
    holed = [row for row in rows if there.get(row.pk, 0) < row.count * (1 - HOLES)]
    sizes: dict[int, list[Segment]] = {}
    for row in rows:
        if row not in holed and row.count <= PART // 2:
            sizes.setdefault(row.count.bit_length() // SIZE_BITS, []).append(row)
    small = [row for tier in sizes.values() for row in tier if row.count <= QUIET_CHUNKS]
    if _quiet(rows) and len(small) > 1 and sum(row.count for row in small) <= QUIET_CHUNKS:
        return holed + small
    return holed + [row for tier in sizes.values() if len(tier) >= FAN for row in tier]


def _quiet(rows: Sequence[Segment]) -> bool:
    """Nothing was added for a while: time to make one segment of the few that are left."""
    return all(row.created < timezone.now() - timedelta(seconds=QUIET_S) for row in rows)


def merge(collection: UUID) -> int:
    """Rewrites what is due; returns how many segments were replaced.

    Does nothing while another process is at it, and only says so where it fails: the live index is whole without it.
    """
    if not due(collection):
        return 0
    try:
        with _Held(collection) as held:
            old = due(collection)
            _rewrite(held, old, reembed=False)
            return len(old)
    except Busy:
        return 0
    except EngineError as error:
        log.warning("The index of collection %s could not be merged: %s", collection, error)
        return 0


def reindex(collection: UUID, progress: Progress = _silent) -> int:
    """Rebuilds a collection's whole index beside the live one and swaps; returns the number of chunks in it.

    Chunks whose vector is of another embedder are embedded again. Raises Busy.
    """
    with _Held(collection) as held:
        old = list(Segment.objects.live().filter(collection=collection))
        count = _rewrite(held, old, reembed=True, progress=progress)
        IndexCare.objects.filter(pk=collection).update(rebuild="")
        return count


def sweep() -> int:
    """Segments retired long enough ago, and files that no row names, are gone; returns how many.

    While an index is being rewritten, which may take hours, no row names its new files yet: they stay.
    """
    limit = timezone.now() - timedelta(seconds=GRACE_S)
    old = list(Segment.objects.filter(retired__lt=limit))
    registry.index().drop([segment.info for segment in old])
    Segment.objects.filter(pk__in=[segment.pk for segment in old]).delete()
    if IndexCare.objects.filter(lease_until__gt=timezone.now()).exists():
        return len(old)
    return len(old) + registry.index().sweep([segment.info for segment in Segment.objects.all()])


def care() -> None:
    """One round over all collections: rebuild what was found damaged, merge what is due, sweep."""
    for collection in list(IndexCare.objects.exclude(rebuild="").values_list("pk", flat=True)):
        try:
            log.info("rebuilt the index of collection %s (%d passages)", collection, reindex(collection))
        except Busy:
            log.info("the index of collection %s is being rewritten by another process", collection)
        except EngineError as error:
            log.error("The index of collection %s could not be rebuilt: %s", collection, error)
    for collection in _worth_a_look():
        merge(collection)
    sweep()


def _worth_a_look() -> set[UUID]:
    """Collections with several segments, or with a segment that has holes: two queries, however many there are."""
    live = list(Segment.objects.live().values_list("collection", "pk", "count"))
    there = dict(Chunk.objects.filter(segment__isnull=False).order_by().values_list("segment").annotate(Count("pk")))
    several = Counter(collection for collection, _, _ in live)
    return {collection for collection, pk, count in live if several[collection] > 1 or there.get(pk, 0) < count}


class _Held:
    """The right to rewrite one collection's index; `renew` raises Busy once it was lost."""

    def __init__(self, collection: UUID) -> None:
        self.collection = collection

    def __enter__(self) -> _Held:
        IndexCare.objects.get_or_create(collection_id=self.collection)
        token = leases.claim(IndexCare.objects.all(), self.collection, LEASE_S)
        if token is None:
            raise Busy
        self._token = token
        return self

    def __exit__(self, *error: object) -> None:
        leases.release(IndexCare.objects.all(), self.collection, self._token, attempts=0)

    def renew(self) -> None:
        if not leases.renew(IndexCare.objects.all(), self.collection, self._token, LEASE_S):
            raise Busy


def _rewrite(held: _Held, old: Sequence[Segment], *, reembed: bool, progress: Progress = _silent) -> int:
    """New segments hold what the old ones held and is still there; readers see the old or the new, never both."""
    made: list[tuple[SegmentInfo, list[int]]] = []
    chunks = Chunk.objects.filter(segment__in=old)
    total, done = chunks.count(), 0
    try:
        for part in _parts(chunks, reembed):
            held.renew()
            rows = _loaded(part)
            if rows:
                fingerprint = _reembedded(rows, held.renew) if reembed else rows[0].fingerprint
                vectors = np.stack([np.frombuffer(row.vector, dtype=np.float32) for row in rows])
                entries = [IndexEntry(row.pk, row.text, str(row.document), row.heading) for row in rows]
                made.append((registry.index().write(held.collection.hex, entries, vectors, fingerprint), part))
            done += len(part)
            progress(done, total)
        with transaction.atomic():
            held.renew()
            _swap(old, made)
    except BaseException:  # also when the worker is told to end: nothing of a rewrite that was not finished stays
        registry.index().drop([info for info, _ in made])
        raise
    return total


def _swap(old: Sequence[Segment], made: Sequence[tuple[SegmentInfo, list[int]]]) -> None:
    for info, chunks in made:
        row = record(info)
        for start in range(0, len(chunks), ROWS):
            Chunk.objects.filter(pk__in=chunks[start : start + ROWS], segment__in=old).update(segment=row)
    Segment.objects.filter(pk__in=[segment.pk for segment in old]).update(retired=timezone.now())


def record(info: SegmentInfo) -> Segment:
    """The row that makes a written segment live."""
    return Segment.objects.create(
        id=UUID(info.id), collection_id=UUID(info.collection), count=info.count, dimension=info.dimension,
        fingerprint=info.fingerprint, kind=info.kind, checksum=info.checksum, size_bytes=info.size_bytes,
    )  # fmt: skip


def _parts(chunks: ChunkQuerySet, mixed: bool) -> Iterator[list[int]]:
    """The chunks by parts that become one segment each: of a size that fits memory and, unless they are embedded
    again, of one embedder."""
    found = chunks.order_by("fingerprint", "pk").values_list("fingerprint", "pk")
    for _, group in groupby(found, key=lambda row: "" if mixed else row[0]):
        ids = [pk for _, pk in group]
        for start in range(0, len(ids), PART):
            yield ids[start : start + PART]


def _loaded(ids: Sequence[int]) -> list[Chunk]:
    """The rows that are still there."""
    rows: list[Chunk] = []
    for start in range(0, len(ids), ROWS):
        part = Chunk.objects.filter(pk__in=ids[start : start + ROWS]).select_related("document")
        rows += part.only("text", "heading", "vector", "fingerprint", "document__title", "document__name").order_by(
            "pk"
        )
    return rows


def _reembedded(rows: Sequence[Chunk], renew: Callable[[], None]) -> str:
    """Every row holds a vector of the configured embedder, whose fingerprint is returned."""
    embed = registry.embed()
    size = embed.dimension * np.dtype(np.float32).itemsize
    chunkers: dict[UUID, Chunker] = {}
    stale = [row for row in rows if row.fingerprint != embed.fingerprint or len(row.vector) != size]
    for start in range(0, len(stale), ROWS):
        part = stale[start : start + ROWS]
        vectors = embed.embed_passages([_embedded(row, chunkers, embed) for row in part])
        for row, vector in zip(part, vectors, strict=True):
            row.vector, row.fingerprint = vector.tobytes(), embed.fingerprint
        Chunk.objects.bulk_update(part, ["vector", "fingerprint"], batch_size=100)
        renew()
    return embed.fingerprint


def _embedded(row: Chunk, chunkers: dict[UUID, Chunker], embed: EmbedEngine) -> str:
    """What is embedded for a chunk, as ingestion composes it."""
    chunker = chunkers.get(row.document_id)
    if chunker is None:
        chunker = chunkers[row.document_id] = Chunker(str(row.document), embed.offsets, embed.max_tokens)
    return embedded(chunker.header(row.heading)[0], row.text)
