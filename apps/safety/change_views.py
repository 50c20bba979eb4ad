"""What a version of the policy would change, for staff: in the shadow, and over what was judged before."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.safety import changes, detectors, thresholds
from apps.safety.models import PolicyVersion
from apps.safety.policy import PolicyError, read
from apps.users.access import person, staff_only


@require_safe
@never_cache
@staff_only
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show counts with intervals, the changed verdicts, each with its case where there is one, and the thresholds."""
    row, user = get_object_or_404(PolicyVersion, pk=pk), person(request)
    shadow = changes.shadowed(row) if row.status != PolicyVersion.Status.LIVE else None
    context = {
        "row": row, "moved": detectors.moved(row), "shadow": shadow, "replay": changes.replayed(row),
        "shadowed": changes.listed_shadow(user, row), "replayed": changes.listed_replay(user, row),
        "thresholds": _measure(row), "small": thresholds.SMALL,
    }  # fmt: skip
    return render(request, "safety/changes.html", context)


def _measure(row: PolicyVersion) -> list[thresholds.Threshold]:
    """Return the thresholds of the version; [] where this product cannot read it."""
    try:
        return thresholds.measure_thresholds(read(row.body, row.number))
    except PolicyError:
        return []
