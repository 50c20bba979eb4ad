"""Notification of a worker by Celery that a database row waits. The row is the queue, so a lost message loses no
work."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)
_missed: dict[str, str] = {}  # task -> row of its last lost message; a worker goes on until nothing waits


def notify_worker(task: str, row: UUID | int) -> None:
    """Send `task` with the row's key to a worker. If the broker cannot be reached, that is logged, and
    `repeat_missed` sends it later; the next sweep of the worker finds the row, too."""
    if error := _send(task, str(row)):
        log.warning("The broker is away; %s waits: %s", task, error)
        _missed[task] = str(row)


def repeat_missed() -> None:
    """Send again what could not be sent; the messages stay noted while the broker is away."""
    for task, row in list(_missed.items()):
        if _send(task, row):
            return
        _missed.pop(task, None)


def _send(task: str, row: str) -> Exception | None:
    """Send the message and return None, or the error of a broker that is away."""
    try:
        current_app.send_task(task, args=[row], retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        return error
    return None
