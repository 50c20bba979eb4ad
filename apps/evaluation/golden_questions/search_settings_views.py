"""Pages on which owners change the search settings of a collection: build, compare on golden questions, activate."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.documents.indexing import embedders, shadow_build
from apps.documents.indexing.index_maintenance import IndexBusy
from apps.documents.models import Collection, IndexBuild, Segment
from apps.documents.settings import DEFAULT_SETTINGS, read_collection_settings
from apps.documents.web.collection_context import get_collection_context
from apps.engines import registry
from apps.evaluation.forms import TuningForm
from apps.evaluation.golden_questions import runs
from apps.evaluation.models import GoldenQuestion, GoldenRun
from apps.users.permissions import get_signed_in_user

PACKAGED = "all-MiniLM-L6-v2"  # the embedder that ships with Openbook
INDEX_BUSY = gettext_lazy("The index is being updated. Try again in a few seconds.")
BUILD_GONE = gettext_lazy("This test index is no longer available: it was discarded or is already in use.")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_search_settings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the settings and the build under test; a POST starts a build with new settings."""
    here = get_collection_context(request, pk, "settings")
    if not here.is_owner:
        raise Http404
    now = read_collection_settings(here.collection.search_settings)
    sent = request.POST if request.method == "POST" else None
    names = _embedders()
    names[""] = gettext("%(name)s (default of this site)") % {"name": names[""]}
    form = TuningForm(sent, initial=asdict(now), reranker=registry.get_reranker().active, embedders=names)
    if request.method == "POST" and form.is_valid():
        shadow_build.begin(here.collection, replace(now, **form.cleaned_data), get_signed_in_user(request))
        return redirect("evaluation:tuning", pk)
    context = {**here.context, **_state(here.collection), "form": form, "now": now, "default": DEFAULT_SETTINGS}
    return render(request, "evaluation/search_settings.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def show_build_state(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the progress of the build as a fragment, which the page polls."""
    here = get_collection_context(request, pk, "settings")
    if not here.is_owner:
        raise Http404
    return render(request, "evaluation/_trial_build.html", {**here.context, **_state(here.collection)})


@login_required
@require_POST
def activate_build(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Swap the build in, at once or as soon as newer documents are indexed. The previous index can be restored."""
    try:
        if shadow_build.swap(_build(request, pk, number)):
            messages.success(request, gettext("Saved. These settings are now used for answers."))
        else:
            messages.success(
                request, gettext("New documents are added first. Then the new settings are used automatically.")
            )
    except IndexBusy:
        messages.error(request, INDEX_BUSY)
    except shadow_build.BuildLost:
        messages.error(request, BUILD_GONE)
    return redirect("evaluation:tuning", pk)


@login_required
@require_POST
def discard_build(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Delete the build; the live index stays as it is."""
    shadow_build.discard(_build(request, pk, number))
    return redirect("evaluation:tuning", pk)


def _build(request: HttpRequest, pk: UUID, number: int) -> IndexBuild:
    return get_object_or_404(IndexBuild.objects.visible_to(request.user), collection=pk, pk=number)


def _state(collection: Collection) -> dict[str, Any]:
    """Return the context of the build under test, its comparison, and the previous index that can be restored."""
    builds = list(IndexBuild.objects.filter(collection=collection))
    kept = next((row for row in builds if row.status == IndexBuild.Status.KEPT), None)
    build = next((row for row in builds if row.status != IndexBuild.Status.KEPT), None)
    run = GoldenRun.objects.filter(build=build).first() if build else None
    names, questions = _embedders(), GoldenQuestion.objects.filter(collection=collection).count()
    return {
        "build": build,
        "kept": kept,
        "embedder": names[""],
        "choices": len(names) > 1,
        "embedders": [names.get(tried := row.settings_to_try.embedder, tried) if row else "" for row in (build, kept)],
        "stale": _stale(collection),
        "moving": _moving(build, run, questions),
        "run": run,
        "questions": questions,
        **(_compared(run) if run and run.status == GoldenRun.Status.DONE else {}),
    }  # fmt: skip


def _moving(build: IndexBuild | None, run: GoldenRun | None, questions: int) -> bool:
    """Return whether the page should poll: a build or run is open, or the run after a build is about to be stored."""
    status = IndexBuild.Status
    under_way = build is not None and build.status in {status.WAITING, status.BUILDING}
    soon = build is not None and build.status == status.BUILT and run is None and questions > 0
    return under_way or soon or (run is not None and run.status in {GoldenRun.Status.WAITING, GoldenRun.Status.RUNNING})


def _stale(collection: Collection) -> bool:
    """Return whether live segments hold vectors of another embedder than that of queries."""
    found = set(Segment.objects.live().filter(collection=collection).values_list("fingerprint", flat=True))
    return bool(found - {embedders.get_fingerprint(collection)})


def _embedders() -> dict[str, str]:
    """Return the embedders that a collection may choose: label by name; "" is the site's own."""
    own = settings.ENGINES["embed"].get("OPTIONS", {}).get("model") or PACKAGED
    return {"": own, **{name: name for name in settings.EMBEDDERS}}


def _compared(run: GoldenRun) -> dict[str, Any]:
    before = runs.find_previous_run(run)
    return {
        "compared": runs.compare_measures(before, run),
        "fell": runs.find_regressions(run),
        "rose": runs.count_improvements(run),
        "before": before,
    }
