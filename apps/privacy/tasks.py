"""What Celery calls. A task takes ids and holds no logic; the rows say what there is to do."""

from __future__ import annotations

from celery import shared_task

from apps.documents.ingestion import worker
from apps.privacy import frozen, keeping, wishes
from apps.safety import breakglass_sweep, holds, leaving, log_check, mailing, recorded, suspensions

worker.periodic_jobs += [
    wishes.sweep,
    keeping.sweep,
    frozen.sweep,
    holds.sweep,
    breakglass_sweep.sweep,
    log_check.note_heads,
    mailing.sweep,
    suspensions.sweep,
    recorded.sweep,
    leaving.sweep,
]


@shared_task(name=wishes.TASK)
def do(wish_id: str) -> None:
    wishes.do(wish_id)
