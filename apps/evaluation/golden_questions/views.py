"""Pages of a collection's Test tab: search preview, golden questions and their runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.documents.models import Collection
from apps.documents.web.collection_context import get_collection_context
from apps.documents.web.filter_views import make_filter_context
from apps.engines.types import EngineError
from apps.evaluation.forms import GoldenQuestionForm, SearchPreviewForm
from apps.evaluation.golden_questions import answer_runs, runs, search_preview
from apps.evaluation.golden_questions.line_chart import MEASURE_LABELS, make_line_chart
from apps.evaluation.models import AnswerRun, GoldenQuestion, GoldenRun
from apps.users.permissions import get_signed_in_user

SHOWN_RUNS = 20


@login_required
@require_safe
def preview_search(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what the search finds for a question, with scores and the relevance threshold."""
    here = get_collection_context(request, pk, "test")
    form = SearchPreviewForm(request.GET)
    question = form.cleaned_data["q"] if form.is_valid() else ""
    context = {**here.context, **make_filter_context(request, [here.collection.pk]), "question": question}
    if question:
        try:
            context["trial"] = search_preview.preview_search(
                get_signed_in_user(request), here.collection, question, context["choices"].filters
            )
        except EngineError as error:
            context["problem"] = str(error)
    return render(request, "evaluation/search_test.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_questions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """List the golden questions and runs of the collection; a POST adds a question."""
    here = get_collection_context(request, pk, "test")
    if request.method == "POST" and not here.can_edit:
        raise Http404
    form = GoldenQuestionForm(here.collection, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _added(request, here.collection, form.cleaned_data)
    context = {**here.context, **_runs(here.collection), "form": form}
    return render(request, "evaluation/golden_questions.html", context, status=400 if form.errors else 200)


def _added(request: HttpRequest, collection: Collection, values: dict[str, Any]) -> HttpResponse:
    try:
        runs.add_question(
            get_signed_in_user(request),
            collection,
            values["text"],
            document=values["document"],
            chunk=values["chunk"],
            expected_words=values["expected_words"],
        )
        messages.success(request, gettext("Added to the test questions."))
    except runs.TooManyQuestions:
        messages.error(
            request,
            gettext("A collection can have at most %(most_questions)s test questions. Remove one first.")
            % {"most_questions": runs.MAX_QUESTIONS},
        )
    if values["chunk"]:
        return redirect(f"{reverse('evaluation:test', args=[collection.pk])}?{urlencode({'q': values['text']})}")
    return redirect("evaluation:golden", collection.pk)


@login_required
@require_safe
def show_run_state(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the progress of the open run as a fragment, which the page polls."""
    here = get_collection_context(request, pk, "test")
    return render(request, "evaluation/_golden_runs.html", {**here.context, **_runs(here.collection)})


@login_required
@require_POST
def start_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Request a run; an open one continues."""
    collection = get_object_or_404(Collection.objects.editable_by(request.user), pk=pk)
    runs.request_run(collection, get_signed_in_user(request))
    return redirect("evaluation:golden", pk)


@login_required
@require_POST
def start_answer_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Request a run in which the model answers; an open one continues."""
    collection = get_object_or_404(Collection.objects.editable_by(request.user), pk=pk)
    answer_runs.request_answer_run(collection, get_signed_in_user(request))
    return redirect(f"{reverse('evaluation:golden', args=[pk])}#answers")


@login_required
@require_POST
def remove_question(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Delete a golden question with its results."""
    rows = GoldenQuestion.objects.editable_by(request.user)
    get_object_or_404(rows, collection=pk, pk=number).delete()
    return redirect("evaluation:golden", pk)


def _runs(collection: Collection) -> dict[str, Any]:
    rows = list(GoldenRun.objects.live().filter(collection=collection).select_related("started_by")[: SHOWN_RUNS + 1])
    done = [row for row in rows if row.status == GoldenRun.Status.DONE]
    last = done[0] if done else None
    results = {result.question_id: result for result in last.results.all()} if last else {}
    questions = GoldenQuestion.objects.filter(collection=collection).select_related("document")
    return {
        **_answers(collection),
        "runs": rows[:SHOWN_RUNS],
        "under_way": next((row for row in rows if row.status in {"waiting", "running"}), None),
        "failed": rows[0] if rows and rows[0].status == GoldenRun.Status.FAILED else None,
        "last": last,
        "measures": runs.compare_measures(done[1] if len(done) > 1 else None, last) if last else [],
        "fell": runs.find_regressions(last) if last else [],
        "chart": _chart(done[::-1]) if len(done) > 1 else None,
        "questions": [(question, results.get(question.pk)) for question in questions],
    }


def _answers(collection: Collection) -> dict[str, Any]:
    """Return the context of answer runs: the open one, the last finished one, and a later failed one."""
    rows = list(AnswerRun.objects.filter(collection=collection).select_related("started_by"))
    done = next((row for row in rows if row.status == GoldenRun.Status.DONE), None)
    wrong = list(done.wrong_citations.select_related("question", "document")) if done else []
    return {
        "answering": next((row for row in rows if row.status in {"waiting", "running"}), None),
        "answers_failed": rows[0] if rows and rows[0].status == GoldenRun.Status.FAILED else None,
        "answers": done,
        "wrong_citations": wrong,
        "wrong_share": len(wrong) / done.sentences if done and done.sentences else None,
    }


def _chart(done: list[GoldenRun]) -> Any:
    ends = [date_format(timezone.localtime(row.created), "j M, H:i") for row in (done[0], done[-1])]
    return make_line_chart([{name: getattr(row, name) for name in MEASURE_LABELS} for row in done], (ends[0], ends[1]))
