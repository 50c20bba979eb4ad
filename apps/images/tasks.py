"""What Celery calls for pictures."""

from __future__ import annotations

from celery import shared_task

from apps.images.generation import scheduler
from apps.images.models import TASK

scheduler.connect_signals()


@shared_task(name=TASK)
def draw(picture_id: str) -> None:
    """The bell names one; whose turn it is the queue decides."""
    scheduler.draw_waiting()
