"""Pages of policy versions: draft, backtest, shadow and approve, and the verdicts that a version would change."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.lib.refusals import show_refusals
from apps.safety import code_labels
from apps.safety.analytics import policy_changes, thresholds
from apps.safety.errors import ActionRefused
from apps.safety.models import PolicyVersion
from apps.safety.policy import separation_of_duties, versions
from apps.safety.policy.schema import PolicyError, parse_policy
from apps.safety.policy_admin import backtest, version_diff
from apps.safety.verdict_log import detector_versions
from apps.safety.views.policy_form import redirect_from_draft
from apps.users.permissions import administrator_required, get_signed_in_user, staff_required

_LONGEST = 100_000  # characters of a policy
_OPEN = (PolicyVersion.Status.DRAFT, PolicyVersion.Status.SHADOW)


@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_versions(request: HttpRequest) -> HttpResponse:
    """Show the versions and the form of a draft; a POST stores the draft."""
    live = versions.get_live_version()
    text = request.POST.get("body", "")[:_LONGEST] or json.dumps(live.body, indent=1, ensure_ascii=False)
    note, problem, no_reason = request.POST.get("note", "").strip(), "", ""
    if request.method == "POST" and not note:
        no_reason = gettext("Enter what changes, and why. The approver reads it.")
    elif request.method == "POST":
        try:
            row = versions.create_draft(get_signed_in_user(request), json.loads(text), note)
        except (ValueError, RecursionError) as error:
            problem = str(error) if isinstance(error, PolicyError) else gettext("This is not valid JSON.")
        else:
            return redirect_from_draft(request, row)
    user, listed = get_signed_in_user(request), list(PolicyVersion.objects.select_related("author", "approver"))
    rows = [
        (
            row,
            _list_warnings(row),
            _list_differences(live, row),
            _find_outdated_base(live, row, listed),
            versions.describe_approval_obstacle(user, row) if row.status in _OPEN else "",
        )
        for row in listed
    ]
    clauses = parse_policy(live.body).clauses.values()
    context = {
        "rows": rows, "live": live, "text": text, "error": problem, "clauses": clauses, "note": note,
        "no_reason": no_reason, "others": separation_of_duties.has_other_administrator(user.pk),
        "own_draft": versions.find_open_draft(user),
    }  # fmt: skip
    return render(request, "safety/policy.html", context, status=422 if problem or no_reason else 200)


@require_POST
@administrator_required
def change_version(request: HttpRequest, pk: int) -> HttpResponse:
    """Backtest, shadow, unshadow, discard or approve a version."""
    row, user = get_object_or_404(PolicyVersion, pk=pk), get_signed_in_user(request)
    with show_refusals(request, ActionRefused, PolicyError):
        match request.POST.get("do"):
            case "replay":
                result = backtest.run_backtest(user, row)
                messages.success(
                    request,
                    gettext("%(changed)s of %(judged)s verdicts would have been different.")
                    % {name: number_format(result[name], force_grouping=True) for name in ("changed", "judged")},
                )
            case "shadow":
                versions.start_shadow(user, row)
            case "discard":
                versions.discard_draft(user, row)
                messages.success(request, gettext("%(row)s discarded.") % {"row": code_labels.version_label(row)})
            case "unshadow":
                versions.stop_shadow(user, row)
            case "approve":
                versions.approve_version(user, row)
                messages.success(request, gettext("%(row)s is live.") % {"row": code_labels.version_label(row)})
    return redirect("safety:policy")


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


def _list_differences(live: PolicyVersion, row: PolicyVersion) -> list[version_diff.VersionDifference] | None:
    """Return what approval of a draft or shadow version would change; None for others and unreadable ones."""
    if row.status not in _OPEN:
        return None
    try:
        return version_diff.compare_policies(parse_policy(live.body), parse_policy(row.body))
    except PolicyError:
        return None


def _find_outdated_base(
    live: PolicyVersion, row: PolicyVersion, versions_listed: list[PolicyVersion]
) -> PolicyVersion | None:
    """Return the version that was live when the draft was made; None if it still is, or if the version is no draft.

    The draft does not contain what `live` changed, so its approval reverts that.
    """
    if row.status not in _OPEN:
        return None
    if live.effective is None or live.effective <= row.created:
        return None
    earlier = [
        (version.effective, version)
        for version in versions_listed
        if version.effective and version.effective <= row.created
    ]
    return max(earlier, key=lambda pair: pair[0])[1] if earlier else None


def _list_warnings(row: PolicyVersion) -> list[str]:
    """Return warnings about changed detectors; none for a retired or discarded version."""
    if row.status in (PolicyVersion.Status.RETIRED, PolicyVersion.Status.DISCARDED):
        return []
    return [code_labels.version_change_text(one) for one in detector_versions.find_version_changes(row)]


def _measure(row: PolicyVersion) -> list[thresholds.ThresholdMetrics]:
    """Return the thresholds of the version; `[]` if this release cannot parse it."""
    try:
        return thresholds.measure_thresholds(parse_policy(row.body, row.number))
    except PolicyError:
        return []
