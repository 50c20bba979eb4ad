"""Page of review analytics, for staff."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.engines import registry
from apps.engines.types import EngineError
from apps.safety.analytics import bias_audit, charts, dashboard, metrics
from apps.safety.models import detector_outages
from apps.safety.moderation import second_reviews
from apps.safety.policy import versions
from apps.safety.policy.verdicts import CheckUnavailable
from apps.users.permissions import get_signed_in_user, staff_required

log = logging.getLogger(__name__)


@require_safe
@never_cache
@staff_required
def show_analytics(request: HttpRequest) -> HttpResponse:
    """Show precision, appeals and times by clause and stage, then agreement of reviewers and bias."""
    rows, agreed = metrics.measure_clauses(), metrics.measure_agreement()
    outage_days = detector_outages.count_by_day(metrics.WINDOW_DAYS)
    context = {
        "charts": dashboard.make_dashboard(rows, agreed),
        "chart_width": charts.WIDTH,
        "chart_height": charts.HEIGHT,
        "bars": charts.make_day_bars(outage_days),
        "outage_days": outage_days,
        "most_minutes": max(count for _, count in outage_days),
        "degraded": detector_outages.count_minutes(metrics.WINDOW_DAYS),
        "rows": rows,
        "days": metrics.WINDOW_DAYS,
        "unchecked": metrics.count_unchecked(),
        "agreement": agreed,
        "disputed": second_reviews.disputed_reviews().count(),
    }
    return render(request, "safety/analytics.html", context | _bias())


@require_POST
@staff_required
def run_bias_audit(request: HttpRequest) -> HttpResponse:
    """Run a bias audit now."""
    try:
        bias_audit.run_bias_audit(get_signed_in_user(request))
    except (CheckUnavailable, EngineError) as error:
        log.info("Bias was not measured: %s", error)
        messages.error(
            request, gettext("The classifiers are not available, so nothing was measured. Try again in a moment.")
        )
    return redirect(f"{reverse('safety:figures')}#bias")


def _bias() -> dict[str, Any]:
    audit = bias_audit.latest_audit()
    if audit is None:
        return {"bias": None}
    groups = bias_audit.group_error_rates(audit)
    rates = ("harmless_flagged", "harmless_acted_on", "hateful_unflagged", "hateful_allowed")
    gaps = {name: bias_audit.widest_gap(groups, name) for name in rates}
    try:
        version = registry.get_text_classifier().fingerprint
    except EngineError:
        version = audit.version  # an unreachable classifier does not make the audit outdated
    return {
        "bias": audit,
        "groups": groups,
        "gaps": gaps,
        "bias_charts": dashboard.make_bias_charts(groups),
        "stale": bias_audit.is_outdated(audit, versions.get_live_version(), version),
    }
