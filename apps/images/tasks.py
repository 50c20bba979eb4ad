"""Celery task that draws pictures."""

from __future__ import annotations

from celery import shared_task

from apps.images.generation import scheduler
from apps.images.models import TASK

scheduler.connect_signals()


@shared_task(name=TASK)
def draw(picture_id: str) -> None:
    """Draw all waiting pictures. The id is only a notification: the queue decides the order."""
    scheduler.draw_waiting()
