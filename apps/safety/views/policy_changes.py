"""Page of the verdicts that a policy version would change, for staff: in the shadow and in the backtest."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.safety.analytics import policy_changes, thresholds
from apps.safety.models import PolicyVersion
from apps.safety.policy.schema import PolicyError, parse_policy
from apps.safety.verdict_log import detector_versions
from apps.users.permissions import get_signed_in_user, staff_required


@require_safe
@never_cache
@staff_required
def show_policy_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how many verdicts the version changed in shadow and backtest, these verdicts with their cases, and its
    thresholds."""
    row, user = get_object_or_404(PolicyVersion, pk=pk), get_signed_in_user(request)
    shadow = policy_changes.count_shadow_changes(row) if row.status != PolicyVersion.Status.LIVE else None
    context = {
        "row": row,
        "version_changes": detector_versions.find_version_changes(row),
        "shadow": shadow,
        "backtest": policy_changes.count_backtest_changes(row),
        "shadow_changes": policy_changes.list_shadow_changes(user, row),
        "backtest_changes": policy_changes.list_backtest_changes(user, row),
        "thresholds": _measure(row),
        "small": thresholds.MIN_TEXTS,
    }
    return render(request, "safety/policy_changes.html", context)


def _measure(row: PolicyVersion) -> list[thresholds.ThresholdMetrics]:
    """Return the thresholds of the version; `[]` if this release cannot parse it."""
    try:
        return thresholds.measure_thresholds(parse_policy(row.body, row.number))
    except PolicyError:
        return []
