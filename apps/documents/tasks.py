"""What Celery calls. A task takes ids and holds no logic; the rows say what there is to do."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.documents.indexing import chunk_reindexing, index_maintenance, shadow_build
from apps.documents.ingestion import ocr_retry, worker
from apps.documents.library import folder_sync
from apps.documents.moderation import redaction
from apps.users import rate_limits

worker.connect_signals()
worker.periodic_jobs += [
    shadow_build.sweep,
    folder_sync.sweep,
    ocr_retry.retry_scans,
    chunk_reindexing.sweep,
    rate_limits.delete_full_buckets,
]


@shared_task(name="documents.ingest")
def ingest(document_id: str) -> None:
    worker.process_queue(UUID(document_id))


@shared_task(name="documents.merge")
def merge(collection_id: str) -> None:
    index_maintenance.merge(UUID(collection_id))


@shared_task(name="documents.sweep")
def sweep() -> None:
    worker.sweep()


@shared_task(name=shadow_build.TASK)
def build(build_id: str) -> None:
    shadow_build.run(int(build_id))


@shared_task(name=folder_sync.TASK)
def sync_folder(sync_id: str) -> None:
    folder_sync.run_sync(int(sync_id))


@shared_task(name=redaction.REINDEX_TASK)
def refill(collection_id: str) -> None:
    chunk_reindexing.reindex_chunks(UUID(collection_id))
