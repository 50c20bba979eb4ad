"""What documents ring for; `apps/lib/celery/notify.py` says how, and why nothing is lost where nobody hears it."""

from __future__ import annotations

from uuid import UUID

from apps.lib.celery.notify import notify_worker


def notify_ingest(document_id: UUID) -> None:
    """A worker hears of the document."""
    notify_worker("documents.ingest", document_id)


def notify_merge(collection_id: UUID) -> None:
    """A worker looks whether the collection's index has become holey. Unheard, the next round of care looks anyway."""
    notify_worker("documents.merge", collection_id)
