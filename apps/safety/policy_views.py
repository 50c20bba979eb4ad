"""Versions of the policy, for administrators: draft, replay over what was judged, approve by somebody else."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.safety import detectors, policies, replaying, separation, unscored, wording
from apps.safety.models import PolicyVersion
from apps.safety.policy import PolicyError, read
from apps.safety.transitions import Refused
from apps.users.access import administrators_only, person

_LONGEST = 100_000  # characters of a policy


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def versions(request: HttpRequest) -> HttpResponse:
    live = policies.live()
    text = request.POST.get("body", "")[:_LONGEST] or json.dumps(live.body, indent=1, ensure_ascii=False)
    wrong = ""
    if request.method == "POST":
        try:
            row = policies.draft(person(request), json.loads(text), request.POST.get("note", ""))
        except (ValueError, RecursionError) as error:
            wrong = str(error) if isinstance(error, PolicyError) else gettext("This is no JSON that can be read.")
        else:
            for words in unscored.warnings(read(row.body)):
                messages.warning(request, words)
            said = gettext("%(row)s is a draft. Replay it, then let somebody else approve it.")
            messages.success(request, said % {"row": wording.version(row)})
            return redirect("safety:policy")
    rows = [(row, _warned(row)) for row in PolicyVersion.objects.select_related("author", "approver")]
    clauses = read(live.body).clauses.values()
    context = {"rows": rows, "live": live, "text": text, "wrong": wrong, "clauses": clauses}
    context["others"] = separation.has_other_administrator(person(request).pk)
    return render(request, "safety/policy.html", context, status=422 if wrong else 200)


@require_POST
@administrators_only
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """One step of a version: replay, into the shadow or out of it, discard, approve."""
    row, user = get_object_or_404(PolicyVersion, pk=pk), person(request)
    try:
        match request.POST.get("do"):
            case "replay":
                found = replaying.replay(user, row)
                messages.success(
                    request,
                    gettext("%(changed)s of %(judged)s verdicts would have been others.")
                    % {"changed": found["changed"], "judged": found["judged"]},
                )
            case "shadow":
                policies.shadow(user, row)
            case "discard":
                policies.discard(user, row)
                messages.success(request, gettext("%(row)s is discarded.") % {"row": wording.version(row)})
            case "unshadow":
                policies.unshadow(user, row)
            case "approve":
                policies.approve(user, row)
                messages.success(request, gettext("%(row)s is live.") % {"row": wording.version(row)})
    except (Refused, PolicyError) as refusal:
        messages.error(request, str(refusal))
    return redirect("safety:policy")


def _warned(row: PolicyVersion) -> list[str]:
    """Of detectors that changed, unless it is retired; and of holes, where it may still go live, unless it is one that
    a newer product cannot read."""
    if row.status in (PolicyVersion.Status.RETIRED, PolicyVersion.Status.DROPPED):
        return []
    moved = [wording.moved(one) for one in detectors.moved(row)]
    try:
        holes = unscored.warnings(read(row.body)) if row.status != PolicyVersion.Status.LIVE else []
    except PolicyError:
        return moved
    return [*moved, *holes]
