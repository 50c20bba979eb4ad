"""Golden questions and their runs: add, request, execute, compare with the previous run.

A run is a row that a worker claims; Celery only notifies it. `sweep_runs` notifies again, and requests a run once
documents or search settings have changed and no document is being ingested.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from apps.documents.indexing import embedders
from apps.documents.models import Chunk, Collection, Document, IndexBuild, IndexMaintenance, Segment
from apps.documents.retrieval.candidates import SearchScope, make_trial_scope
from apps.engines.types import EngineError
from apps.evaluation.golden_questions import search_preview
from apps.evaluation.golden_questions.line_chart import MEASURE_LABELS
from apps.evaluation.golden_questions.measures import (
    DEPTH,
    ExpectedLocation,
    SearchMeasures,
    average_measures,
    measure_search,
)
from apps.evaluation.models import GoldenQuestion, GoldenResult, GoldenRun
from apps.lib.celery import notify
from apps.lib.db import leases
from apps.lib.db.permissions import require_row
from apps.safety.text.normalization import hash_text

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from apps.users.models import User

log = logging.getLogger(__name__)

LEASE_S = 120  # seconds; renewed for every question, which takes a tenth of a second
MAX_CRASHES = 3
RETRY_S = 3600  # seconds after which a failed run is tried once more
MAX_QUESTIONS = 500  # per collection
MAX_STORED_RUNS = 50
TASK = "evaluation.golden"
STOPPED_WORKER = "This run crashed the worker repeatedly. Tell an administrator."


class TooManyQuestions(Exception):
    """Error: the collection has MAX_QUESTIONS golden questions already."""


def add_question(
    user: User,
    collection: Collection,
    text: str,
    *,
    document: Document | None,
    chunk: Chunk | None,
    expected_words: str,
) -> GoldenQuestion:
    """Store a golden question. Raises TooManyQuestions, and PermissionDenied unless the user may edit the collection.

    For a chunk its place in the page is stored, so that the question survives rechunking.
    """
    require_row(Collection.objects.editable_by(user), collection.pk)
    if GoldenQuestion.objects.filter(collection=collection).count() >= MAX_QUESTIONS:
        raise TooManyQuestions
    location: dict[str, Any] = {}
    if chunk is not None:
        document = chunk.document
        location = {"page_number": chunk.page_number, "char_start": chunk.char_start, "char_end": chunk.char_end}
        location["quote"] = chunk.text[:200]
    return GoldenQuestion.objects.create(
        collection=collection, text=text, document=document, expected_words=expected_words, added_by=user, **location
    )


def request_run(
    collection: Collection, user: User | None, cause: str = GoldenRun.Cause.HAND, build: IndexBuild | None = None
) -> GoldenRun:
    """Store a run and notify the worker; return the open run if there is one.

    `build`: the index build to test; None tests the live index. Raises PermissionDenied if a user who may not edit the
    collection starts the run by hand.
    """
    if user is not None and cause == GoldenRun.Cause.HAND:
        require_row(Collection.objects.editable_by(user), collection.pk)
    try:
        with transaction.atomic():
            run = GoldenRun.objects.create(collection=collection, started_by=user, cause=cause, build=build)
            transaction.on_commit(lambda: notify.notify_worker(TASK, run.pk), robust=True)
            return run
    except IntegrityError:
        return GoldenRun.objects.open().get(collection=collection)


def execute_run(run_id: int) -> None:
    """Search every golden question as the collection's owner, and store the measures or the reason of failure.

    Does nothing if another worker holds the run.
    """
    waiting = GoldenRun.objects.open().filter(attempts__lt=MAX_CRASHES)
    token = leases.claim(waiting, run_id, LEASE_S, status=GoldenRun.Status.RUNNING)
    if token is None:
        return
    row = GoldenRun.objects.select_related("collection__owner", "build__collection").get(pk=run_id)
    index_state, settings_state = fingerprint_search(row.collection)
    try:
        if row.build:
            _bring_up_to_date(row, token, index_state, settings_state)
        measures = _measure_all(row, token, make_trial_scope(row.build) if row.build else None)
    except EngineError as error:
        outcome = {"reason": str(error)[:400], "index_state": index_state, "settings_state": settings_state}
        _end(row, token, status=GoldenRun.Status.FAILED, **outcome)
        return
    if measures is not None:
        _store(row, token, measures, index_state=index_state, settings_state=settings_state)


def _bring_up_to_date(row: GoldenRun, token: str, index_state: str, settings_state: str) -> None:
    """Store a run of the live index unless its last run is current, so that a build has a baseline to compare with."""
    last = GoldenRun.objects.live().done().filter(collection=row.collection).first()
    if last is not None and (last.index_state, last.settings_state) == (index_state, settings_state):
        return
    try:
        measures = _measure_all(row, token, None)
    except EngineError:
        return  # the live index cannot be searched, as after a change of embedder: no baseline
    if measures is not None:
        with transaction.atomic():
            live = GoldenRun.objects.create(
                collection=row.collection, started_by=row.started_by, cause=row.cause, status=GoldenRun.Status.DONE,
                finished=timezone.now(), index_state=index_state, settings_state=settings_state, **_average(measures),
            )  # fmt: skip
            _store_results(live, measures)


def _measure_all(row: GoldenRun, token: str, scope: SearchScope | None) -> dict[int, SearchMeasures] | None:
    """Return measures by question id, searched in `scope` or in the live index; None if the lease was lost."""
    measures: dict[int, SearchMeasures] = {}
    for question in GoldenQuestion.objects.filter(collection=row.collection):
        if question.is_void:
            continue
        if not leases.renew(GoldenRun.objects.all(), row.pk, token, LEASE_S):
            return None
        result, quoted = search_preview.search_and_quote(row.collection.owner, row.collection, question.text, scope)
        above = [hit for hit in result.hits if hit.relevance >= result.threshold]
        measures[question.pk] = measure_search(get_expected_location(question), above, result.passages, quoted)
    return measures


def get_expected_location(question: GoldenQuestion) -> ExpectedLocation:
    """Return the expected place of the question, with its words split at commas."""
    words = tuple(word for part in question.expected_words.split(",") if (word := " ".join(part.split())))
    return ExpectedLocation(question.document_id, question.page_number, question.char_start, question.char_end, words)


def _store(row: GoldenRun, token: str, measures: dict[int, SearchMeasures], **states: str) -> None:
    with transaction.atomic():
        if _end(row, token, status=GoldenRun.Status.DONE, **_average(measures), **states):
            _store_results(row, measures)
            old = GoldenRun.objects.filter(collection=row.collection).values_list("pk", flat=True)[MAX_STORED_RUNS:]
            GoldenRun.objects.filter(pk__in=list(old)).delete()


def _average(measures: dict[int, SearchMeasures]) -> dict[str, Any]:
    means = average_measures(list(measures.values()))
    return {
        "questions": len(measures), "recall": means.recall, "mrr": means.mrr, "ndcg": means.ndcg,
        "precision": means.precision,
    }  # fmt: skip


def _store_results(run: GoldenRun, measures: dict[int, SearchMeasures]) -> None:
    existing = set(GoldenQuestion.objects.filter(pk__in=measures).values_list("pk", flat=True))
    GoldenResult.objects.bulk_create(
        GoldenResult(
            run=run, question_id=pk, rank=item.rank, precision=item.precision, missing=", ".join(item.missing)[:400]
        )
        for pk, item in measures.items()
        if pk in existing
    )  # fmt: skip


def _end(row: GoldenRun, token: str, **changes: Any) -> bool:
    return leases.release(GoldenRun.objects.all(), row.pk, token, finished=timezone.now(), **changes)


@dataclass(frozen=True, slots=True)
class Regression:
    """Question with a worse result than in the previous run. The ranks are None where it was not found."""

    question: GoldenQuestion
    rank_before: int | None
    rank_now: int | None
    missing: str

    @property
    def lost(self) -> bool:
        return self.rank_now is None or bool(self.missing)


def find_previous_run(row: GoldenRun) -> GoldenRun | None:
    """Return the finished run of the live index before this one; for a build's run, the last one."""
    if row.build_id is not None:
        return GoldenRun.objects.live().done().filter(collection=row.collection_id).first()
    return GoldenRun.objects.live().done().filter(collection=row.collection_id, pk__lt=row.pk).order_by("-pk").first()


def compare_measures(
    before: GoldenRun | None, now: GoldenRun
) -> list[tuple[StrOrPromise, float | None, float | None, float | None]]:
    """Return label, value before, value now and difference of each measure; None where a value is missing."""
    pairs = [(words, getattr(before, name, None), getattr(now, name)) for name, words in MEASURE_LABELS.items()]
    return [(words, old, new, None if old is None or new is None else new - old) for words, old, new in pairs]


def find_regressions(row: GoldenRun) -> list[Regression]:
    """Return the questions with a worse result than in the previous run, lost ones first."""
    regressions = []
    for old, result in _pair_results(row):
        lost = old.passed and not result.passed
        if old.rank is not None and (lost or (result.rank is not None and result.rank > old.rank)):
            regressions.append(Regression(result.question, old.rank, result.rank, result.missing))
    return sorted(regressions, key=lambda item: not item.lost)


def count_improvements(row: GoldenRun) -> int:
    """Return how many questions have a better result than in the previous run."""
    return sum(
        (result.passed and not old.passed) or (result.rank is not None and result.rank < (old.rank or DEPTH + 1))
        for old, result in _pair_results(row)
    )


def _pair_results(row: GoldenRun) -> list[tuple[GoldenResult, GoldenResult]]:
    """Return the previous and the present result of each question that both runs asked."""
    earlier = find_previous_run(row)
    was = {result.question_id: result for result in earlier.results.all()} if earlier else {}
    now = row.results.select_related("question__document")
    return [(was[result.question_id], result) for result in now if result.question_id in was]


def fingerprint_search(collection: Collection) -> tuple[str, str]:
    """Return two hashes: of the searchable content, and of the search settings with the embedder."""
    documents = Document.objects.filter(collection=collection, status=Document.Status.READY)
    facts = documents.aggregate(count=Count("pk"), changed=Max("changed"))
    withheld = sorted(map(str, documents.exclude(withheld="").values_list("pk", flat=True)))
    marked = Chunk.objects.filter(document__collection=collection).filter(Q(enabled=False) | ~Q(keywords=""))
    marks = sorted(marked.values_list("document", "position", "enabled", "keywords"))
    rebuilt = IndexMaintenance.objects.filter(pk=collection.pk).values_list("rebuilt", flat=True).first()
    backends = sorted(set(Segment.objects.live().filter(collection=collection).values_list("backend", flat=True)))
    index = facts["count"], facts["changed"], marks, withheld, rebuilt, backends
    settings = embedders.get_fingerprint(collection), collection.search_settings
    return hash_text(repr(index)), hash_text(repr(settings))


def compare_build(build_id: int) -> None:
    """Request a run for a finished index build, if the collection has golden questions."""
    build = IndexBuild.objects.select_related("collection").filter(pk=build_id).first()
    if build is not None and GoldenQuestion.objects.filter(collection=build.collection).exists():
        request_run(build.collection, build.started_by, GoldenRun.Cause.SETTINGS, build)


def sweep_runs() -> None:
    """Fail runs that crashed the worker, notify the worker of others, and request runs for changed collections.

    Periodic job of the worker.
    """
    waiting = leases.list_free(GoldenRun.objects.open())
    for row in waiting.filter(attempts__gte=MAX_CRASHES).select_related("collection"):
        index, settings = fingerprint_search(row.collection)
        waiting.filter(pk=row.pk).update(
            status=GoldenRun.Status.FAILED, lease_token="", lease_until=None, finished=timezone.now(),
            reason=STOPPED_WORKER, index_state=index, settings_state=settings,
        )  # fmt: skip
    for pk in waiting.filter(attempts__lt=MAX_CRASHES).values_list("pk", flat=True)[:4]:
        notify.notify_worker(TASK, pk)
    for collection in Collection.objects.filter(golden_questions__isnull=False).distinct():
        _run_where_changed(collection)
    for build in IndexBuild.objects.filter(status=IndexBuild.Status.BUILT).select_related("collection"):
        _compare_where_in_vain(build)


def _run_where_changed(collection: Collection) -> None:
    if Document.objects.active().filter(collection=collection).exists():
        return
    last = GoldenRun.objects.live().filter(collection=collection).first()
    if last is None or last.status not in (GoldenRun.Status.DONE, GoldenRun.Status.FAILED):
        return  # no run yet, or one is open
    index, settings = fingerprint_search(collection)
    if settings != last.settings_state:
        request_run(collection, None, GoldenRun.Cause.SETTINGS)
    elif index != last.index_state:
        request_run(collection, None, GoldenRun.Cause.INDEX)
    elif _worth_another_try(last):
        GoldenRun.objects.filter(
            pk=last.pk, started_by=None
        ).delete()  # keep only one failed automatic run in the history
        request_run(collection, None, last.cause)


def _compare_where_in_vain(build: IndexBuild) -> None:
    """Request the comparison of a finished build again if it failed a while ago or was never requested."""
    if GoldenRun.objects.open().filter(collection=build.collection).exists():
        return
    last = GoldenRun.objects.filter(build=build).first()
    if last is None:
        compare_build(build.pk)
    elif _worth_another_try(last):
        last.delete()
        request_run(build.collection, build.started_by, GoldenRun.Cause.SETTINGS, build)


def _worth_another_try(last: GoldenRun) -> bool:
    """Return whether the run failed more than RETRY_S ago, and not by crashing the worker."""
    if last.status != GoldenRun.Status.FAILED or last.attempts >= MAX_CRASHES:
        return False
    return last.finished is None or last.finished < timezone.now() - timedelta(seconds=RETRY_S)
