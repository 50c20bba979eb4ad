"""The threshold page, for staff: a chart and one level at a time; administrators make a draft of the policy from it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.safety import charts, thresholds, wording
from apps.safety.policy import Action, PolicyError
from apps.safety.thresholds import Choice
from apps.users.access import administrators_only, person, staff_only

BEGIN = 0.5  # where the policy has no step


@require_safe
@never_cache
@staff_only
def page(request: HttpRequest) -> HttpResponse:
    """Of one clause and stage: the curve, the steps in force, and what the chosen level would have held."""
    found = thresholds.scored()
    offered = thresholds.choices(found)
    chosen = next((one for one in offered if one.value == request.GET.get("of")), offered[0] if offered else None)
    context: dict[str, Any] = {"choices": offered, "chosen": chosen, "small": thresholds.SMALL}
    if chosen is not None:
        context |= _shown(found[chosen.clause, chosen.stage], chosen, request.GET.get("at", ""))
    return render(request, "safety/thresholds.html", context)


@require_POST
@administrators_only
def draft(request: HttpRequest) -> HttpResponse:
    sent = request.POST
    clause, _, stage = sent.get("of", "").partition(":")
    try:
        row = thresholds.draft(person(request), clause, stage, _level(sent.get("at", ""), 0.0), sent.get("action", ""))
    except PolicyError as error:
        messages.error(request, str(error))
        response = redirect("safety:thresholds")
        return response
    said = gettext("%(row)s is a draft with this change. Replay it, then let somebody else approve it.")
    messages.success(request, said % {"row": wording.version(row)})
    return redirect("safety:policy")


def _shown(texts: list[tuple[float, bool]], chosen: Choice, at: str) -> dict[str, Any]:
    steps = thresholds.steps(chosen.clause, chosen.stage)
    least = _level(at, steps[-1][0] if steps else BEGIN)
    rows = thresholds.cuts(texts)
    return {
        "least": least, "now": thresholds.cut(texts, least), "cuts": rows, "texts": len(texts),
        "steps": [(level, action, thresholds.cut(texts, level)) for level, action in steps],
        "actions": [(action.value, wording.action(action)) for action in Action],
        "held": steps[-1][1] if steps else Action.REVIEW,
        "curve": charts.curve(rows, least, [level for level, _ in steps]),
    }  # fmt: skip


def _level(text: str, default: float) -> float:
    """0.01 to 1, whatever was typed."""
    try:
        number = float(text)
    except ValueError:
        return default
    return min(1.0, max(0.01, number)) if number == number else default
