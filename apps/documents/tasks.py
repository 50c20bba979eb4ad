"""What Celery calls. A task takes ids and holds no logic; the rows say what there is to do."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.documents import folder_sync, gaps, rebuilding, refilling, rescanning, segments, worker
from apps.users import limits

worker.connect()
worker.chores += [rebuilding.sweep, folder_sync.sweep, rescanning.sweep, refilling.sweep, limits.tidy]


@shared_task(name="documents.ingest")
def ingest(document_id: str) -> None:
    worker.drain(UUID(document_id))


@shared_task(name="documents.merge")
def merge(collection_id: str) -> None:
    segments.merge(UUID(collection_id))


@shared_task(name="documents.sweep")
def sweep() -> None:
    worker.sweep()


@shared_task(name=rebuilding.TASK)
def build(build_id: str) -> None:
    rebuilding.run(int(build_id))


@shared_task(name=folder_sync.TASK)
def sync_folder(sync_id: str) -> None:
    folder_sync.run(int(sync_id))


@shared_task(name=gaps.REFILL)
def refill(collection_id: str) -> None:
    refilling.refill(UUID(collection_id))
