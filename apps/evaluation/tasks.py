"""What Celery calls. A task takes ids and holds no logic; the rows say what there is to do."""

from __future__ import annotations

from celery import shared_task

from apps.documents import rebuilding, worker
from apps.evaluation import golden

worker.chores.append(golden.sweep)
rebuilding.built.append(golden.compare)


@shared_task(name=golden.TASK)
def ask_golden_questions(run_id: str) -> None:
    golden.run(int(run_id))
