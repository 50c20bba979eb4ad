"""The figures of review, for staff."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.safety import charts, degraded, figures, opinions, recall
from apps.users.access import person, staff_only


@require_safe
@never_cache
@staff_only
def page(request: HttpRequest) -> HttpResponse:
    """By clause and stage: precision, appeals, time; then what is missed, agreement and drift."""
    rows, by_day = figures.rows(), degraded.by_day(figures.DAYS)
    whiskers = charts.whiskers(rows)
    context = {
        "whiskers": whiskers, "line": charts.LINE, "wide": charts.WIDTH, "high": charts.HEIGHT,
        "lines": charts.LINE * len(whiskers) + charts.LINE, "left": charts.LABEL, "end": charts.WIDTH - charts.EDGE,
        "bars": charts.bars(by_day), "degraded": degraded.minutes(figures.DAYS), "recall": recall.rows(),
        "rows": rows, "days": figures.DAYS, "drift": list(figures.drift().items()),
        "unchecked": figures.unchecked(),
        "agreement": figures.agreement(person(request).pk), "disputed": opinions.disputed().count(),
    }  # fmt: skip
    return render(request, "safety/figures.html", context)
