"""What the worker is told of conversations when it starts, and what Celery calls."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.conversations.attachments import caption_test, recognition, uploads
from apps.conversations.models import Source
from apps.conversations.transfer import import_job
from apps.documents.ingestion import worker
from apps.documents.library import versions


def follow_moved_document(document: UUID, earlier: UUID) -> None:
    """Sources of answers follow the text that they cite to the row that holds it now."""
    Source.objects.filter(document=document).update(document=earlier)


versions.version_hooks.append(follow_moved_document)
worker.periodic_jobs.append(import_job.recover_imports)
worker.periodic_jobs.append(recognition.recover_pending)


@shared_task(name=import_job.TASK_NAME)
def run_import(import_id: str) -> None:
    import_job.run_import(import_id)


@shared_task(name=uploads.TASK_NAME)
def process_pictures(picture_id: str) -> None:
    """The bell names one; whose turn it is the queue decides."""
    recognition.process_pending()


@shared_task(name=caption_test.TASK_NAME)
def run_caption_test(_: str) -> None:
    caption_test.answer_caption_test()
