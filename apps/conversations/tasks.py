"""What the worker is told of conversations when it starts, and what Celery calls."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.conversations import importing
from apps.conversations.attached import recognising, taking, trying
from apps.conversations.models import Source
from apps.documents import versions, worker


def keep_cited(document: UUID, earlier: UUID) -> None:
    """Sources of answers follow the text that they cite to the row that holds it now."""
    Source.objects.filter(document=document).update(document=earlier)


versions.moved.append(keep_cited)
worker.chores.append(importing.sweep)
worker.chores.append(recognising.sweep)


@shared_task(name=importing.TASK)
def bring_along(import_id: str) -> None:
    importing.do(import_id)


@shared_task(name=taking.TASK)
def recognise(picture_id: str) -> None:
    """The bell names one; whose turn it is the queue decides."""
    recognising.drain()


@shared_task(name=trying.TASK)
def try_caption(_: str) -> None:
    trying.answer()
