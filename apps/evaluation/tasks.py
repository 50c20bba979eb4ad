"""What Celery calls. A task takes ids and holds no logic; the rows say what there is to do."""

from __future__ import annotations

from celery import shared_task

from apps.documents.indexing import shadow_build
from apps.documents.ingestion import worker
from apps.evaluation.golden_questions import answer_runs, runs

worker.periodic_jobs += [runs.sweep_runs, answer_runs.sweep_answers]
shadow_build.build_listeners.append(runs.compare_build)


@shared_task(name=runs.TASK)
def ask_golden_questions(run_id: str) -> None:
    runs.execute_run(int(run_id))


@shared_task(name=answer_runs.TASK)
def answer_golden_questions(run_id: str) -> None:
    answer_runs.run_answers(int(run_id))
