"""What the worker is told of conversations when it starts, and what Celery calls."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.conversations.attachments import caption_test, recognition, uploads
from apps.conversations.models import Source
from apps.conversations.transfer import import_job
from apps.documents import versions, worker


def keep_cited(document: UUID, earlier: UUID) -> None:
    """Sources of answers follow the text that they cite to the row that holds it now."""
    Source.objects.filter(document=document).update(document=earlier)


versions.moved.append(keep_cited)
worker.chores.append(import_job.sweep)
worker.chores.append(recognition.sweep)


@shared_task(name=import_job.TASK)
def bring_along(import_id: str) -> None:
    import_job.do(import_id)


@shared_task(name=uploads.TASK)
def recognise(picture_id: str) -> None:
    """The bell names one; whose turn it is the queue decides."""
    recognition.drain()


@shared_task(name=caption_test.TASK)
def try_caption(_: str) -> None:
    caption_test.answer()
