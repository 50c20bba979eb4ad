"""Celery tasks of conversations, and the periodic jobs and hooks that they register in the worker."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.conversations.attachments import caption_check, chat_files, recognition, uploads
from apps.conversations.models import Source
from apps.conversations.transfer import import_job
from apps.documents.ingestion import worker
from apps.documents.library import versions


def follow_moved_document(document: UUID, earlier: UUID) -> None:
    """Point sources of the document to the row `earlier`, which now holds the text that they cite.

    Called in the transaction that publishes a new version.
    """
    Source.objects.filter(document=document).update(document=earlier)


versions.version_hooks.append(follow_moved_document)
worker.periodic_jobs.append(import_job.recover_imports)
worker.periodic_jobs.append(recognition.recover_pending)
worker.periodic_jobs.append(chat_files.delete_forgotten_drafts)


@shared_task(name=import_job.TASK_NAME)
def run_import(import_id: str) -> None:
    """Run the import job with this id."""
    import_job.run_import(import_id)


@shared_task(name=uploads.TASK_NAME)
def process_pictures(picture_id: str) -> None:
    """Process all pending attached pictures. `picture_id` only wakes the worker; the queue decides the order."""
    recognition.process_pending()


@shared_task(name=caption_check.TASK_NAME)
def run_caption_test(_: str) -> None:
    """Run the pending caption test. The argument is ignored."""
    caption_check.answer_caption_test()
