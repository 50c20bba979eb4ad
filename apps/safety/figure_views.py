"""The figures of review, for staff."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.engines import registry
from apps.engines.base import EngineError
from apps.safety import bias, charts, dashboard, degraded, figures, opinions, policies
from apps.safety.check import CheckUnavailable
from apps.users.access import person, staff_only

log = logging.getLogger(__name__)


@require_safe
@never_cache
@staff_only
def page(request: HttpRequest) -> HttpResponse:
    """By clause and stage: precision, appeals, time; then agreement and bias."""
    rows, agreed = figures.rows(), figures.agreement()
    context = {
        "charts": dashboard.drawn(rows, agreed), "wide": charts.WIDTH, "high": charts.HEIGHT,
        "bars": charts.bars(degraded.by_day(figures.DAYS)), "degraded": degraded.minutes(figures.DAYS),
        "rows": rows, "days": figures.DAYS,
        "unchecked": figures.unchecked(), "agreement": agreed, "disputed": opinions.disputed().count(),
    }  # fmt: skip
    return render(request, "safety/figures.html", context | _bias())


@require_POST
@staff_only
def measure_bias(request: HttpRequest) -> HttpResponse:
    """The sentences about each group are judged now."""
    try:
        bias.measure(person(request))
    except (CheckUnavailable, EngineError) as error:
        log.info("Bias was not measured: %s", error)
        messages.error(request, gettext("The classifiers are away, so nothing was measured. Try again in a moment."))
    response = redirect("safety:figures")
    response["Location"] += "#bias"
    return response


def _bias() -> dict[str, Any]:
    found = bias.latest()
    if found is None:
        return {"bias": None}
    groups = bias.groups(found)
    gaps = {name: bias.gap(groups, name) for name in ("noticed", "acted", "unnoticed", "passed")}
    try:
        version = registry.classify().fingerprint
    except EngineError:
        version = found.version  # what cannot be read says nothing
    return {
        "bias": found, "groups": groups, "gaps": gaps, "bias_charts": dashboard.biased(groups),
        "stale": bias.stale(found, policies.live(), version),
    }  # fmt: skip
