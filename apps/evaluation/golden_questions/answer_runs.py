"""Runs in which the model answers the golden questions of a collection, to count wrong citations.

`request_answer_run` stores a run, `run_answers` executes it in the worker, `sweep_answers` retries. Users start runs by
hand, since each answer costs model time. Answers are not stored.
"""

from __future__ import annotations

import logging
from collections import Counter

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps.conversations.errors import RequestRefused
from apps.documents.jobs import ingest_job
from apps.documents.models import Collection, Document
from apps.engines.types import EngineError
from apps.evaluation.golden_questions.citation_check import CitationCheck, check_citations
from apps.evaluation.golden_questions.runs import MAX_CRASHES, STOPPED_WORKER
from apps.evaluation.models import AnswerRun, GoldenQuestion, GoldenRun, WrongCitation
from apps.grounding.model_citations import strip_model_citations
from apps.lib.celery import notify
from apps.lib.db import leases
from apps.lib.db.permissions import require_row
from apps.safety.gate.gate import Withheld
from apps.users.models import User
from apps.users.rate_limits import RateLimited

log = logging.getLogger(__name__)

LEASE_S = 900  # seconds; renewed for every question. A small model on two cores takes at most a minute for one
PATIENCE_S = 60  # seconds; a rate limit of the collection's owner that ends sooner is waited for
TASK = "evaluation.answers"

Status = GoldenRun.Status


def request_answer_run(collection: Collection, user: User) -> AnswerRun:
    """Store a run and notify the worker. Return the open run if there is one.

    Raises PermissionDenied unless the user may edit the collection.
    """
    require_row(Collection.objects.editable_by(user), collection.pk)
    try:
        with transaction.atomic():
            row = AnswerRun.objects.create(collection=collection, started_by=user)
            transaction.on_commit(lambda: notify.notify_worker(TASK, row.pk), robust=True)
            return row
    except IntegrityError:
        return AnswerRun.objects.open().get(collection=collection)


def run_answers(run_id: int) -> None:
    """Answer every golden question as the collection's owner, and store the counts or the reason of failure.

    Does nothing if another worker holds the run. Deletes the results of the previous run.
    """
    waiting = AnswerRun.objects.open().filter(attempts__lt=MAX_CRASHES)
    token = leases.claim(waiting, run_id, LEASE_S, status=Status.RUNNING, questions_asked=0)
    if token is None:
        return
    row = AnswerRun.objects.select_related("collection").get(pk=run_id)
    try:
        checks = _check_all(row, token)
    except (EngineError, RateLimited, RequestRefused) as error:
        _end(row, token, status=Status.FAILED, reason=str(error)[:400])
        return
    if checks is not None:
        _store(row, token, checks)


def _check_all(row: AnswerRun, token: str) -> dict[GoldenQuestion, CitationCheck] | None:
    """Return the check of each question; withheld ones are left out.

    None if the lease was lost or the worker is shutting down. Raises EngineError, RateLimited, and RequestRefused if
    the collection must not leave the house and the model runs outside.
    """
    rows = GoldenQuestion.objects.filter(collection=row.collection).select_related("collection__owner")
    questions = [question for question in rows if not question.is_void]
    checks: dict[GoldenQuestion, CitationCheck] = {}
    for asked, question in enumerate(questions):
        if ingest_job.stop_requested.is_set():
            leases.release(AnswerRun.objects.all(), row.pk, token, status=Status.WAITING, attempts=0)
            return None
        so_far = {"questions_asked": asked, "questions": len(questions)}
        if not leases.renew(AnswerRun.objects.all(), row.pk, token, LEASE_S, **so_far):
            return None
        try:
            checks[question] = _check(question)
        except Withheld:
            log.info("The answer to a golden question was withheld: %s", question.pk)
    return checks


def _check(question: GoldenQuestion) -> CitationCheck:
    """Return the check of one answer, after waiting for a rate limit that ends soon.

    Raises as `check_citations` does.
    """
    try:
        return check_citations(question)
    except RateLimited as error:
        if error.retry_s > PATIENCE_S:
            raise
        ingest_job.stop_requested.wait(error.retry_s)
        return check_citations(question)


def _store(row: AnswerRun, token: str, checks_by_question: dict[GoldenQuestion, CitationCheck]) -> None:
    checks = list(checks_by_question.values())
    models = Counter(check.model for check in checks if check.model)
    counts = {
        "questions_asked": F("questions"),
        "answered": len(checks),
        "sentences": sum(len(check.sentences) for check in checks),
        "model": next((name for name, _ in models.most_common(1)), ""),
    }
    with transaction.atomic():
        existing = set(GoldenQuestion.objects.filter(collection=row.collection).values_list("pk", flat=True))
        wrong = [(question.pk, location) for question, check in checks_by_question.items() for location in check.wrong]
        documents = set(
            Document.all_objects.filter(pk__in=[location.document for _, location in wrong]).values_list(
                "pk", flat=True
            )
        )
        if not _end(row, token, status=Status.DONE, **counts):
            return
        AnswerRun.objects.filter(collection=row.collection).exclude(pk=row.pk).delete()
        WrongCitation.objects.bulk_create(
            WrongCitation(
                run=row, question_id=question, sentence=_write_plain(location.sentence), document_id=location.document,
                page_number=location.page,
            )
            for question, location in wrong
            if question in existing and location.document in documents
        )  # fmt: skip


def _write_plain(sentence: str) -> str:
    """Return a sentence of Markdown without list marker and source numbers."""
    return " ".join(strip_model_citations(sentence).strip(" \n-*+#>").split())


def _end(row: AnswerRun, token: str, **changes: object) -> bool:
    return leases.release(AnswerRun.objects.all(), row.pk, token, finished=timezone.now(), **changes)


def sweep_answers() -> None:
    """Fail runs that crashed the worker MAX_CRASHES times, and notify the worker of runs without a lease."""
    waiting = leases.list_free(AnswerRun.objects.open())
    waiting.filter(attempts__gte=MAX_CRASHES).update(
        status=Status.FAILED, lease_token="", lease_until=None, finished=timezone.now(), reason=STOPPED_WORKER
    )
    for pk in waiting.filter(attempts__lt=MAX_CRASHES).values_list("pk", flat=True)[:4]:
        notify.notify_worker(TASK, pk)
