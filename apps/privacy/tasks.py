"""Register the periodic jobs of privacy and moderation, and the Celery task of data requests.

A task takes ids only and calls a service; the rows hold the state.
"""

from __future__ import annotations

from celery import shared_task

from apps.documents.ingestion import worker
from apps.privacy import case_retention, data_requests, retention
from apps.safety.audit_log import verification
from apps.safety.break_glass import jobs
from apps.safety.gate import exports
from apps.safety.moderation import account_suspensions, notice_emails, temporary_holds
from apps.safety.verdict_log import recorder

worker.periodic_jobs += [
    data_requests.sweep_requests,
    retention.delete_expired,
    case_retention.delete_due_texts,
    temporary_holds.end_expired_holds,
    jobs.process_due_requests,
    verification.note_heads,
    notice_emails.send_due_emails,
    account_suspensions.end_expired_suspensions,
    recorder.delete_old_verdicts,
    exports.delete_old_verdicts,
]


@shared_task(name=data_requests.TASK)
def do(request_id: str) -> None:
    """Process the data request of that id."""
    data_requests.process_request(request_id)
