"""Notification of a worker by Celery that a database row waits. The row is the queue, so a lost message loses no
work."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def notify_worker(task: str, row: UUID | int) -> None:
    """Send `task` with the row's key to a worker. If the broker cannot be reached, that is logged, and the next sweep
    finds the row."""
    try:
        current_app.send_task(task, args=[str(row)], retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("The broker is away; %s waits for the next sweep: %s", task, error)
