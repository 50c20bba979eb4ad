"""Publish ingested documents: store rows invisibly, write segments, then make both visible in one transaction.

Several documents share one segment per collection and one transaction; each is in it only while its lease holds.
`publish` is the entry point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import numpy as np
from django.db import transaction

from apps.documents.indexing import embedders, index_maintenance, language_builds
from apps.documents.ingestion import ocr_checkpoint
from apps.documents.ingestion.batch import IngestItem, report_batch_progress
from apps.documents.ingestion.ocr import get_ocr_version
from apps.documents.jobs.ingest_job import finish_jobs, renew_leases
from apps.documents.library.passage_edits import mark_titles_stale
from apps.documents.library.versions import promote_version
from apps.documents.models import Chunk, Collection, Document, Page
from apps.documents.moderation import document_redaction, review
from apps.documents.settings import read_collection_settings
from apps.engines import registry
from apps.engines.types import IndexEntry, SegmentInfo
from apps.reading.parsing.protocol import ParsedPage

Stage = Document.Stage
T = TypeVar("T")
Content = tuple[IngestItem, ParsedPage | int]  # a page, or the index of a chunk
ROWS = 400  # rows in one short transaction
_STORED_FIELDS = (  # that the steps before have set in the object alone
    "kind", "note", "language", "pages_without_text", "parser_version", "embedded_title", "chunking_version",
)  # fmt: skip


def publish(items: Sequence[IngestItem]) -> None:
    """Make the documents ready, each visible as a whole from one moment to the next.

    All items have the same embedder. Must not run inside a transaction. Raises LeaseLost if no lease holds any more,
    and EngineError if the index cannot be written; written segments are then dropped.
    """
    store_rows(items)
    written = write_segments(items)
    try:
        commit_documents(items, written)
    except BaseException:
        registry.get_index().drop(list(written.values()))
        raise


def store_rows(items: Sequence[IngestItem]) -> None:
    """Store pages and chunks, invisible yet, in short transactions that each renew the leases. Raises LeaseLost."""
    report_batch_progress(items, Stage.INDEX, 0)
    for item in items:
        item.rows = []
    fingerprint = embedders.get_embedder(items[0].document.collection).fingerprint
    contents: list[Content] = [(item, page) for item in items for page in item.pages]
    contents += [(item, at) for item in items for at in range(len(item.chunks))]
    for number, part in enumerate([*_iter_parts(contents)] or [[]]):
        with transaction.atomic():
            renew_leases([item.job for item in items])
            if not number:  # remove rows of an earlier attempt
                ids = [item.document.pk for item in items if not item.job.ended]
                Chunk.all_objects.filter(document__in=ids).delete()
                Page.objects.filter(document__in=ids).delete()
            ours = [(item, content) for item, content in part if not item.job.ended]
            Page.objects.bulk_create(_make_page(w.document, page) for w, page in ours if isinstance(page, ParsedPage))
            new_chunks = [(item, _make_chunk(item, at, fingerprint)) for item, at in ours if isinstance(at, int)]
            Chunk.objects.bulk_create([row for _, row in new_chunks])
        for item, row in new_chunks:
            item.rows.append(row)
        report_batch_progress(items, Stage.INDEX, min(1, (number + 1) * ROWS / len(contents)) if contents else 1)


def write_segments(items: Sequence[IngestItem]) -> Mapping[UUID, SegmentInfo]:
    """Write one durable segment per collection, which no row names yet; return them by collection. Raises EngineError.

    A collection without any chunk gets none. All items have the same embedder.
    """
    report_batch_progress(items, Stage.INDEX, 1)
    fingerprint = embedders.get_embedder(items[0].document.collection).fingerprint
    written: dict[UUID, SegmentInfo] = {}
    try:
        for collection, part in _group_by_collection(items).items():
            entries = [entry for item in part for entry in _make_entries(item)]
            if not entries:  # images without any text
                continue
            vectors = np.concatenate([item.vectors for item in part])
            written[collection] = registry.get_index().write(collection.hex, entries, vectors, fingerprint)
    except BaseException:
        registry.get_index().drop(list(written.values()))
        raise
    return written


def commit_documents(items: Sequence[IngestItem], written: Mapping[UUID, SegmentInfo]) -> None:
    """Create the rows of the segments and make the documents ready, in one transaction. Raises LeaseLost if no lease
    holds.

    Drops segments of collections of which no document is left. Requests a rebuild if the collection's embedder changed
    meanwhile.
    """
    with transaction.atomic():
        collection_ids = {item.document.collection_id for item in items}
        settings_by_collection = dict(
            Collection.all_objects.select_for_update()
            .filter(pk__in=collection_ids)
            .values_list("pk", "search_settings")
        )
        finish_jobs([item.job for item in items], [_make_final_fields(item) for item in items])
        for collection, part in _group_by_collection(items).items():
            if collection in written:
                row = index_maintenance.create_segment(written[collection])
                Chunk.objects.filter(document__in=[item.document.pk for item in part]).update(segment=row)
                if (
                    read_collection_settings(settings_by_collection.get(collection)).embedder
                    != read_collection_settings(part[0].document.collection.search_settings).embedder
                ):
                    index_maintenance.request_rebuild(
                        [row.pk.hex], "Its embedder was changed while a document was read."
                    )
            for item in part:
                _run_after_commit(item)
            _mark_renamed(part)
    spare = {item.document.collection_id for item in items} - _group_by_collection(items).keys()
    registry.get_index().drop([written[collection] for collection in spare if collection in written])
    for item in items:
        item.ready = not item.job.ended
        item.job.release()


def _run_after_commit(item: IngestItem) -> None:
    """Apply what follows from a document becoming ready: title, version, redactions, cases, an index for its language.
    Runs inside the transaction."""
    document = item.document
    if document.title:
        Document.objects.filter(pk=document.pk, title="").update(title=document.title)  # a title set by a user stays
    if document.replaces_id is not None:
        promote_version(document)
    document_redaction.reapply_redactions(document.replaces or document)
    review.flag_document(document.replaces or document, item.verdicts)
    language_builds.request_builds([document.collection_id], document.language)


def _mark_renamed(items: Sequence[IngestItem]) -> None:
    """Mark segments stale whose documents were renamed during ingestion."""
    written = {item.document.replaces_id or item.document.pk: str(item.document) for item in items}
    rows = Document.objects.filter(pk__in=written)
    mark_titles_stale(*(row.pk for row in rows if str(row) != written[row.pk]))


def _make_final_fields(item: IngestItem) -> dict[str, object]:
    changes = {name: getattr(item.document, name) for name in _STORED_FIELDS}
    return {"status": Document.Status.READY, "pages_count": len(item.pages), "reason": "", "attempts": 0, **changes}


def _group_by_collection(items: Sequence[IngestItem]) -> dict[UUID, list[IngestItem]]:
    """Return the items whose lease holds, by collection."""
    groups: dict[UUID, list[IngestItem]] = {}
    for item in items:
        if not item.job.ended:
            groups.setdefault(item.document.collection_id, []).append(item)
    return groups


def _make_page(document: Document, page: ParsedPage) -> Page:
    return Page(
        document=document, number=page.number, text=page.text, width=page.width, height=page.height,
        boxes=page.boxes or None, block_spans=ocr_checkpoint.list_block_span_rows(page),
        ocr_key=ocr_checkpoint.make_ocr_key(document, get_ocr_version()) if page.recognised else "",
    )  # fmt: skip


def _make_chunk(item: IngestItem, at: int, fingerprint: str) -> Chunk:
    draft, verdict = item.chunks[at], item.verdicts[at]
    return Chunk(
        document=item.document, position=at, page_number=draft.page_number,
        char_start=draft.start, char_end=draft.end, heading=draft.heading,
        text=draft.text, tokens=draft.tokens, flag="" if verdict.allowed else verdict.code,
        vector=item.vectors[at].tobytes(), fingerprint=fingerprint,
    )  # fmt: skip


def _make_entries(item: IngestItem) -> list[IndexEntry]:
    known = (item.document.replaces_id or item.document.pk).hex  # a new version is indexed under its document
    return [replace(row.entry, document=known) for row in item.rows]


def _iter_parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(items), ROWS):
        yield items[at : at + ROWS]
