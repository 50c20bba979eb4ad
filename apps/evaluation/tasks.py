"""Register periodic jobs and Celery tasks of golden runs. A task takes ids only and calls a service."""

from __future__ import annotations

from celery import shared_task

from apps.documents.indexing import shadow_build
from apps.documents.ingestion import worker
from apps.evaluation.golden_questions import answer_runs, runs

worker.periodic_jobs += [runs.sweep_runs, answer_runs.sweep_answers]
shadow_build.build_listeners.append(runs.compare_build)


@shared_task(name=runs.TASK)
def ask_golden_questions(run_id: str) -> None:
    """Execute the golden run of that id."""
    runs.execute_run(int(run_id))


@shared_task(name=answer_runs.TASK)
def answer_golden_questions(run_id: str) -> None:
    """Execute the answer run of that id."""
    answer_runs.run_answers(int(run_id))
