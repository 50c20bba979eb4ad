"""What Celery calls. A task takes ids and holds no logic; the rows say what there is to do."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.documents import segments, worker

worker.connect()


@shared_task(name="documents.ingest")
def ingest(document_id: str) -> None:
    worker.drain(UUID(document_id))


@shared_task(name="documents.merge")
def merge(collection_id: str) -> None:
    segments.merge(UUID(collection_id))


@shared_task(name="documents.sweep")
def sweep() -> None:
    worker.sweep()
