"""Build a second index of a collection with other settings, then compare it and swap it in, or discard it.

    begin     create the row and notify a worker
    run       chunk and embed the documents again, if the settings require it; call `build_listeners`
    swap      replace the live index in one transaction; the old one is kept and can be swapped back
    discard   delete the build

The live index is searched all the while. Documents added or replaced meanwhile are chunked before the swap.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.documents.indexing import embedders, index_maintenance
from apps.documents.indexing.document_chunking import chunk_pages, make_parsed_page
from apps.documents.indexing.index_maintenance import IndexBusy
from apps.documents.models import Chunk, Collection, Document, IndexBuild, Page, Segment
from apps.documents.settings import CollectionSettings, read_collection_settings
from apps.engines import registry
from apps.engines.types import EmbedEngine, EngineError
from apps.lib.celery import notify
from apps.lib.db import leases
from apps.reading.chunking.chunker import ChunkDraft
from apps.users.models import User

log = logging.getLogger(__name__)

TASK = "documents.build"
LEASE_S = 120  # seconds; renewed with every batch, which takes seconds
CRASHES = 3  # attempts after which a build is given up
BATCH = 256  # chunks embedded between two renewals, which also tell whether the build was discarded
ROWS = 400  # chunks in one INSERT
_MIN_SHARE = 0.5  # of the shorter passage, from which two overlapping passages count as the same
KEEP_DAYS = 14  # during which the replaced index can be swapped back

build_listeners: list[Callable[[int], object]] = []  # of apps above, called with the id of a build that is ready

Status = IndexBuild.Status


class BuildLost(Exception):
    """Error: the build was discarded, or another worker has it."""


def begin(
    collection: Collection, new_settings: CollectionSettings, user: User | None, *, swap_when_built: bool = False
) -> IndexBuild:
    """Create a build with these settings and notify a worker after commit. Discards open builds of the collection.

    `user` is who started it; None: the product. With `swap_when_built`, it replaces the live index once it is built.
    """
    for other in IndexBuild.objects.open().filter(collection=collection):
        discard(other)
    build = IndexBuild.objects.create(
        collection=collection, started_by=user, search_settings=new_settings.stored, swap_when_built=swap_when_built
    )
    transaction.on_commit(lambda: notify.notify_worker(TASK, build.pk), robust=True)
    return build


def run(build_id: int) -> None:
    """Make a waiting build ready, in a worker. Repeated or concurrent calls change nothing.

    An engine that can be retried puts the build back into the queue; other errors of engines fail it with a reason.
    Must not run inside a transaction.
    """
    waiting = IndexBuild.objects.filter(status__in=[Status.WAITING, Status.BUILDING], attempts__lt=CRASHES)
    token = leases.claim(waiting, build_id, LEASE_S, status=Status.BUILDING)
    if token is None:
        return
    build = IndexBuild.objects.select_related("collection").get(pk=build_id)
    try:
        _build(build, token)
    except BuildLost:
        _delete_rows(build_id)
        return
    except EngineError as error:
        state = {"status": Status.WAITING} if error.retry else {"status": Status.FAILED, "ended": timezone.now()}
        leases.release(IndexBuild.objects.all(), build_id, token, reason=str(error)[:400], **state)
        return
    leases.release(
        IndexBuild.objects.all(), build_id, token, status=Status.BUILT, ended=timezone.now(), attempts=0, reason=""
    )
    if (built := IndexBuild.objects.filter(pk=build_id, swap_when_built=True).first()) is not None:
        _swap_if_free(built)
        return
    for listener in build_listeners:
        listener(build_id)


def _build(build: IndexBuild, token: str) -> None:
    def renew(**changes: object) -> None:
        if not leases.renew(IndexBuild.objects.all(), build.pk, token, LEASE_S, **changes):
            raise BuildLost

    renew(has_own_chunks=needs_rechunking(build))
    build.refresh_from_db(fields=["has_own_chunks"])
    while build.has_own_chunks and (missing := list(iter_unchunked_documents(build))):
        ready = Document.all_objects.filter(collection=build.collection_id, status=Document.Status.READY).count()
        for at, document in enumerate(missing):
            renew(done=ready - len(missing) + at, total=ready)
            _rechunk_document(build, document, renew)
        _write_segment(build, renew)
    renew(done=F("total"))


def needs_rechunking(build: IndexBuild) -> bool:
    """Return whether the settings of the build give other chunks or vectors than the live index has."""
    new_settings, current = build.settings_to_try, read_collection_settings(build.collection.search_settings)
    if build.has_own_chunks or new_settings.chunk_tokens != current.chunk_tokens:
        return True
    if new_settings.embedder != current.embedder:
        return True
    foreign = Segment.objects.live().exclude(fingerprint=registry.get_embedder(new_settings.embedder).fingerprint)
    return foreign.filter(collection=build.collection_id).exists()


def iter_unchunked_documents(build: IndexBuild) -> Iterator[Document]:
    """Return an iterator over ready documents of which the build has no chunk, oldest first.

    Deleted ones are among them: restored after a swap, they must be found.
    """
    chunked = Chunk.all_objects.filter(build=build.pk).order_by().values("document").distinct()
    ready = Document.all_objects.filter(collection=build.collection_id, status=Document.Status.READY)
    return ready.exclude(pk__in=chunked).order_by("created").iterator()


def _rechunk_document(build: IndexBuild, document: Document, renew: Callable[..., None]) -> None:
    """Store chunks of the build for the document, with vectors and without a segment."""
    embed = registry.get_embedder(build.settings_to_try.embedder)
    drafts = _draft_chunks(document, embed, build.settings_to_try.chunk_tokens)
    old = _list_annotations(Chunk.objects.filter(document=document))
    rows: list[Chunk] = []
    for at in range(0, len(drafts), BATCH):
        part = drafts[at : at + BATCH]
        vectors = embed.embed_passages([draft.tokenised or draft.embedding_text for draft in part])
        renew()
        verdicts = embedders.screen_passages(embed, [draft.text for draft in part], vectors)
        for position, (draft, vector, verdict) in enumerate(zip(part, vectors, verdicts, strict=True), at):
            enabled, keywords = _carry_over(old, draft.page_number, draft.start, draft.end)
            rows.append(
                Chunk(
                    document=document, build=build.pk, position=position, page_number=draft.page_number,
                    char_start=draft.start, char_end=draft.end, heading=draft.heading, text=draft.text,
                    tokens=draft.tokens, vector=vector.tobytes(), fingerprint=embed.fingerprint, enabled=enabled,
                    keywords=keywords, flag="" if verdict.allowed else verdict.code,
                )
            )  # fmt: skip
    try:
        with transaction.atomic():
            renew()
            Chunk.all_objects.bulk_create(rows, batch_size=ROWS)
    except IntegrityError:
        log.info("document %s was deleted while it was cut anew", document.pk)


def _draft_chunks(document: Document, embed: EmbedEngine, target: int) -> list[ChunkDraft]:
    pages = [make_parsed_page(page) for page in Page.objects.filter(document=document).order_by("number")]
    return [draft for _, drafts in chunk_pages(document, pages, embed, target) for draft in drafts]


def _write_segment(build: IndexBuild, renew: Callable[..., None]) -> None:
    """Write the build's chunks without a segment into a segment of the build."""
    loose = Chunk.all_objects.filter(build=build.pk, segment__isnull=True).order_by("pk")
    ids = array("q", loose.values_list("pk", flat=True))
    if not ids:
        return
    made_by = registry.get_embedder(build.settings_to_try.embedder).fingerprint
    parts = index_maintenance.iter_parts(ids, lambda _: renew())
    info = registry.get_index().build(build.collection_id.hex, parts, len(ids), made_by)
    try:
        with transaction.atomic():
            renew()
            row = index_maintenance.create_segment(info, build.pk)
            loose.filter(pk__range=(ids[0], ids[-1])).update(segment=row)
    except BuildLost:
        registry.get_index().drop([info])
        raise


def swap(build: IndexBuild) -> bool:
    """Make the build live and keep the replaced index. Return False if documents must be chunked first; it then swaps
    later.

    Opens its own transaction. Raises IndexBusy while the index is being rewritten, and BuildLost if the build is gone.
    """
    with index_maintenance.IndexLease(build.collection_id), transaction.atomic():
        row = IndexBuild.objects.select_for_update().filter(pk=build.pk, status__in=[Status.BUILT, Status.KEPT]).first()
        if row is None:
            raise BuildLost
        for other in IndexBuild.objects.filter(collection=row.collection_id).exclude(pk=row.pk):
            discard(other)
        # A document being published locks the same row: it is found below, or finds the new embedder.
        list(Collection.all_objects.select_for_update().filter(pk=row.collection_id).values("pk"))
        if row.has_own_chunks and next(iter_unchunked_documents(row), None) is not None:
            IndexBuild.objects.filter(pk=row.pk).update(status=Status.WAITING, swap_when_built=True, attempts=0)
            transaction.on_commit(partial(notify.notify_worker, TASK, row.pk), robust=True)
            return False
        _swap_rows(row)
    return True


def _swap_if_free(build: IndexBuild) -> None:
    """Swap the build in, unless the index is being rewritten, as it often is after uploads; `sweep` tries again."""
    with suppress(IndexBusy, BuildLost):
        swap(build)


def _swap_rows(build: IndexBuild) -> None:
    """Swap the rows of the build with the live ones, and create a build of what was live."""
    collection = Collection.all_objects.get(pk=build.collection_id)
    IndexBuild.objects.filter(pk=build.pk).update(status=Status.BUILT)  # a constraint allows one kept build
    previous = IndexBuild.objects.create(
        collection=collection, search_settings=collection.search_settings, status=Status.KEPT,
        has_own_chunks=build.has_own_chunks, ended=timezone.now(), started_by=build.started_by,
    )  # fmt: skip
    if build.has_own_chunks:
        # A chunk without a segment is of a document in ingestion and will belong to the new live index.
        live = Chunk.objects.filter(document__collection=collection, segment__isnull=False)
        marked = live.filter(Q(enabled=False) | ~Q(keywords="")).order_by().values_list("document", flat=True)
        marks = {pk: _list_annotations(live.filter(document=pk)) for pk in set(marked)}
        Document.all_objects.filter(collection=collection).update(chunking_version="")
        live.update(build=previous.pk)
        Segment.objects.live().filter(collection=collection).update(build=previous.pk)
        Chunk.all_objects.filter(build=build.pk).update(build=0)
        Segment.objects.filter(build=build.pk).update(build=0)
        for document, old in marks.items():
            _carry_annotations(document, old)
    Collection.all_objects.filter(pk=collection.pk).update(search_settings=build.search_settings)
    IndexBuild.objects.filter(pk=build.pk).delete()


def _list_annotations(chunks: QuerySet[Chunk]) -> list[_ChunkAnnotation]:
    places = chunks.order_by("position").values_list("page_number", "char_start", "char_end", "enabled", "keywords")
    return [_ChunkAnnotation(*place) for place in places]


def _carry_annotations(document: UUID, old: list[_ChunkAnnotation]) -> None:
    """Apply annotations made since the build was chunked to its chunks, which are live now."""
    for row in Chunk.objects.filter(document=document).defer("vector", "text"):
        enabled, keywords = _carry_over(old, row.page_number, row.char_start, row.char_end)
        if (enabled, keywords) == (row.enabled, row.keywords):
            continue
        Chunk.objects.filter(pk=row.pk).update(enabled=enabled, keywords=keywords)
        if keywords != row.keywords and row.segment_id is not None:
            Segment.objects.filter(pk=row.segment_id).update(stale_since=timezone.now())


def discard(build: IndexBuild) -> None:
    """Delete the build with its chunks and retire its segments. A worker on it stops at its next step.

    Opens its own transaction.
    """
    with transaction.atomic():
        IndexBuild.objects.filter(pk=build.pk).delete()
        _delete_rows(build.pk)


def _delete_rows(build_id: int) -> None:
    Chunk.all_objects.filter(build=build_id).delete()
    Segment.objects.filter(build=build_id).update(retired=timezone.now())


def sweep() -> None:
    """Give up builds that crashed each time, notify workers of waiting ones, swap in those whose swap found the index
    busy, and discard old kept ones. A periodic job."""
    now = timezone.now()
    waiting = IndexBuild.objects.filter(status__in=[Status.WAITING, Status.BUILDING])
    waiting = waiting.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
    waiting.filter(attempts__gte=CRASHES).update(
        status=Status.FAILED, lease_token="", lease_until=None, ended=now,
        reason="This stopped the worker each time. Tell an administrator.",
    )  # fmt: skip
    for pk in waiting.filter(attempts__lt=CRASHES).values_list("pk", flat=True)[:4]:
        notify.notify_worker(TASK, pk)
    for build in IndexBuild.objects.filter(status=Status.BUILT, swap_when_built=True):
        _swap_if_free(build)
    for old in IndexBuild.objects.filter(status=Status.KEPT, ended__lt=now - timedelta(days=KEEP_DAYS)):
        discard(old)
    _delete_orphaned_rows()


def _delete_orphaned_rows() -> None:
    """Delete rows that a worker wrote for a build after it was discarded."""
    builds = IndexBuild.objects.values("pk")
    for build in (
        Segment.objects.filter(build__gt=0, retired__isnull=True)
        .exclude(build__in=builds)
        .values_list("build", flat=True)
    ):
        _delete_rows(build)


@dataclass(frozen=True, slots=True)
class _ChunkAnnotation:
    """Place of a passage, [start, end) in the text of a page, with its annotations."""

    page: int
    start: int
    end: int
    enabled: bool = True
    keywords: str = ""


def _carry_over(annotations: Sequence[_ChunkAnnotation], page: int, start: int, end: int) -> tuple[bool, str]:
    """Return whether the new passage at this place is enabled, and its keywords, from the annotations of the old ones.

    It is disabled if at least half of it was. It gets the keywords of every old passage that shares half the text of
    the shorter one.
    """
    overlapping = [
        annotation
        for annotation in annotations
        if annotation.page == page and _count_shared(annotation, start, end) > 0
    ]
    off = sum(_count_shared(annotation, start, end) for annotation in overlapping if not annotation.enabled)
    words = [
        word
        for annotation in overlapping
        if _count_shared(annotation, start, end) >= _MIN_SHARE * min(end - start, annotation.end - annotation.start)
        for word in annotation.keywords.split(", ")
        if word
    ]
    return off < _MIN_SHARE * (end - start), ", ".join(dict.fromkeys(words))[:400]


def _count_shared(annotation: _ChunkAnnotation, start: int, end: int) -> int:
    return max(0, min(annotation.end, end) - max(annotation.start, start))
