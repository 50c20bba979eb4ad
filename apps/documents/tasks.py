"""Celery tasks of documents. Tasks take ids and hold no logic: the rows say what there is to do.

A lost or repeated task does no harm, because the periodic jobs listed here look for open work too.
"""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.documents.indexing import chunk_reindexing, index_maintenance, shadow_build
from apps.documents.ingestion import ocr_retry, starter_questions, worker
from apps.documents.library import folder_sync, trash
from apps.documents.moderation import document_redaction
from apps.documents.reader import page_view
from apps.users import join_requests, rate_limits, usage


def empty_trash() -> None:
    """Remove documents that can no longer be restored, and the images of their pages."""
    page_view.delete_cached_images(trash.empty_trash())


worker.connect_signals()
worker.periodic_jobs += [
    shadow_build.sweep,
    folder_sync.sweep,
    ocr_retry.retry_scans,
    chunk_reindexing.sweep,
    starter_questions.sweep,
    empty_trash,
    rate_limits.delete_full_buckets,
    usage.delete_old_usage,
    join_requests.delete_old_requests,
]


@shared_task(name="documents.ingest")
def ingest(document_id: str) -> None:
    """Ingest queued documents until none waits, whichever document the message names."""
    worker.process_queue(UUID(document_id))


@shared_task(name="documents.merge")
def merge(collection_id: str) -> None:
    """Merge the segments of a collection that are due."""
    index_maintenance.merge(UUID(collection_id))


@shared_task(name="documents.sweep")
def sweep() -> None:
    """Quarantine documents that crashed their worker too often, and notify workers of waiting ones."""
    worker.sweep()


@shared_task(name=shadow_build.TASK)
def build(build_id: str) -> None:
    """Make the chunks and segments of an index build."""
    shadow_build.run(int(build_id))


@shared_task(name=folder_sync.TASK)
def sync_folder(sync_id: str) -> None:
    """Apply a requested folder sync."""
    folder_sync.run_sync(int(sync_id))


@shared_task(name=document_redaction.REINDEX_TASK)
def refill(collection_id: str) -> None:
    """Put chunks of a collection back into the index whose text was redacted or restored."""
    chunk_reindexing.reindex_chunks(UUID(collection_id))
