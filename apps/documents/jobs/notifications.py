"""Notify workers of documents and indexes that need work. A lost message loses nothing
(`apps/lib/celery/notify.py`)."""

from __future__ import annotations

from uuid import UUID

from apps.lib.celery.notify import notify_worker


def notify_ingest(document_id: UUID) -> None:
    """Notify a worker that a document waits."""
    notify_worker("documents.ingest", document_id)


def notify_merge(collection_id: UUID) -> None:
    """Ask a worker to merge the collection's index if that is due. If the message is lost, the next maintenance does
    it."""
    notify_worker("documents.merge", collection_id)
