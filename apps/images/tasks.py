"""What Celery calls for pictures."""

from __future__ import annotations

from celery import shared_task

from apps.images import queue
from apps.images.making import TASK

queue.connect()


@shared_task(name=TASK)
def draw(picture_id: str) -> None:
    """The bell names one; whose turn it is the queue decides."""
    queue.drain()
