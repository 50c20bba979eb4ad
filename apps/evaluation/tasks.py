"""What Celery calls. A task takes ids and holds no logic; the rows say what there is to do."""

from __future__ import annotations

from celery import shared_task

from apps.documents.indexing import shadow_build
from apps.documents.ingestion import worker
from apps.evaluation import answer_runs, golden

worker.periodic_jobs += [golden.sweep, answer_runs.sweep_answers]
shadow_build.build_listeners.append(golden.compare)


@shared_task(name=golden.TASK)
def ask_golden_questions(run_id: str) -> None:
    golden.run(int(run_id))


@shared_task(name=answer_runs.TASK)
def answer_golden_questions(run_id: str) -> None:
    answer_runs.run_answers(int(run_id))
