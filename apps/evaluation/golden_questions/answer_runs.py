"""Runs in which the model answers the golden questions of a collection: how often a pill of an answer is wrong.

`ask_for_answers` stores one and rings, `run_answers` is the worker's part, `sweep_answers` rings again. Runs are asked
for by hand only, since each answer costs the model's time; the answers themselves are not stored.
"""

from __future__ import annotations

import logging
from collections import Counter

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.conversations.rendering.sentence_markers import strip_model_citations
from apps.documents.jobs import ingest_job
from apps.documents.models import Collection, Document
from apps.engines.types import EngineError
from apps.evaluation.golden_questions.citation_check import CitationCheck, check_citations
from apps.evaluation.models import AnswerRun, GoldenQuestion, GoldenRun, WrongPill
from apps.lib.celery import notify
from apps.lib.db import leases
from apps.safety.gate.gate import Withheld
from apps.users.models import User
from apps.users.rate_limits import RateLimited

log = logging.getLogger(__name__)

LEASE_S = 900  # renewed with every question; a small model on two cores takes a minute at most
MAX_CRASHES = 3
PATIENCE_S = 60  # for a limit of the collection's owner
TASK = "evaluation.answers"
STOPPED_WORKER = "This run stopped the worker each time. Tell an administrator."

Status = GoldenRun.Status


def request_answer_run(collection: Collection, user: User) -> AnswerRun:
    """Store a run and ring for a worker; return the one that waits or runs already, where there is one."""
    try:
        with transaction.atomic():
            row = AnswerRun.objects.create(collection=collection, started_by=user)
            transaction.on_commit(lambda: notify.notify_worker(TASK, row.pk), robust=True)
            return row
    except IntegrityError:
        return AnswerRun.objects.open().get(collection=collection)


def run_answers(run_id: int) -> None:
    """Answer every golden question as the collection's owner, and store the counts or why there are none.

    Nothing happens where another worker holds the run. The results of the run before are deleted.
    """
    waiting = AnswerRun.objects.open().filter(attempts__lt=MAX_CRASHES)
    token = leases.claim(waiting, run_id, LEASE_S, status=Status.RUNNING, asked=0)
    if token is None:
        return
    row = AnswerRun.objects.select_related("collection").get(pk=run_id)
    try:
        found = _check_all(row, token)
    except (EngineError, RateLimited) as error:
        _end(row, token, status=Status.FAILED, reason=str(error)[:400])
        return
    if found is not None:
        _store(row, token, found)


def _check_all(row: AnswerRun, token: str) -> dict[GoldenQuestion, CitationCheck] | None:
    """Return the check of each question, without those that were withheld; None where the lease was lost or the worker
    ends. Raises EngineError and OverLimit."""
    rows = GoldenQuestion.objects.filter(collection=row.collection).select_related("collection__owner")
    questions = [question for question in rows if not question.void]
    found: dict[GoldenQuestion, CitationCheck] = {}
    for asked, question in enumerate(questions):
        if ingest_job.stop_requested.is_set():
            leases.release(AnswerRun.objects.all(), row.pk, token, status=Status.WAITING, attempts=0)
            return None
        so_far = {"asked": asked, "questions": len(questions)}
        if not leases.renew(AnswerRun.objects.all(), row.pk, token, LEASE_S, **so_far):
            return None
        try:
            found[question] = _check(question)
        except Withheld:
            log.info("The answer to a golden question was withheld: %s", question.pk)
    return found


def _check(question: GoldenQuestion) -> CitationCheck:
    """Return the check of one answer, after waiting for a limit that ends soon. Raises as `check_pills` does."""
    try:
        return check_citations(question)
    except RateLimited as error:
        if error.retry_s > PATIENCE_S:
            raise
        ingest_job.stop_requested.wait(error.retry_s)
        return check_citations(question)


def _store(row: AnswerRun, token: str, found: dict[GoldenQuestion, CitationCheck]) -> None:
    checks = list(found.values())
    models = Counter(check.model for check in checks if check.model)
    counts = {
        "asked": F("questions"), "answered": len(checks), "sentences": sum(len(check.sentences) for check in checks),
        "model": next((name for name, _ in models.most_common(1)), ""),
    }  # fmt: skip
    with transaction.atomic():
        there = set(GoldenQuestion.objects.filter(collection=row.collection).values_list("pk", flat=True))
        places = [(question.pk, place) for question, check in found.items() for place in check.wrong]
        documents = set(
            Document.every.filter(pk__in=[place.document for _, place in places]).values_list("pk", flat=True)
        )
        if not _end(row, token, status=Status.DONE, **counts):
            return
        AnswerRun.objects.filter(collection=row.collection).exclude(pk=row.pk).delete()
        WrongPill.objects.bulk_create(
            WrongPill(
                run=row, question_id=question, sentence=_write_plain(place.sentence), document_id=place.document,
                page_number=place.page,
            )
            for question, place in places
            if question in there and place.document in documents
        )  # fmt: skip


def _write_plain(sentence: str) -> str:
    """Return a sentence of Markdown without the sign of a list item before it and the numbers of sources in it."""
    return " ".join(strip_model_citations(sentence).strip(" \n-*+#>").split())


def _end(row: AnswerRun, token: str, **changes: object) -> bool:
    return leases.release(AnswerRun.objects.all(), row.pk, token, finished=timezone.now(), **changes)


def sweep_answers() -> None:
    """Give up runs that stopped the worker each time, and ring again for those that nobody works on."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    waiting = AnswerRun.objects.open().filter(free)
    waiting.filter(attempts__gte=MAX_CRASHES).update(
        status=Status.FAILED, lease_token="", lease_until=None, finished=timezone.now(), reason=STOPPED_WORKER
    )
    for pk in waiting.filter(attempts__lt=MAX_CRASHES).values_list("pk", flat=True)[:4]:
        notify.notify_worker(TASK, pk)
