"""The doorbell: tells a worker by Celery that a row waits. The row is the queue, so an unheard bell loses nothing."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring(document_id: UUID) -> None:
    """A worker hears of the document. Where the broker is away, the next sweep rings again."""
    _send("documents.ingest", document_id)


def ask_for_merge(collection_id: UUID) -> None:
    """A worker looks whether the collection's index has become holey. Unheard, the next round of care looks anyway."""
    _send("documents.merge", collection_id)


def _send(task: str, row: UUID) -> None:
    try:
        current_app.send_task(task, args=[str(row)], retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("The broker is away; %s waits for the next sweep: %s", task, error)
