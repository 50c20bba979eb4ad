"""The doorbell: tells a worker by Celery that a row waits. The row is the queue, so an unheard bell loses nothing."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def notify_worker(task: str, row: UUID | int) -> None:
    """A worker hears of the row, if the broker is there; where it is away, the next sweep rings again."""
    try:
        current_app.send_task(task, args=[str(row)], retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("The broker is away; %s waits for the next sweep: %s", task, error)
