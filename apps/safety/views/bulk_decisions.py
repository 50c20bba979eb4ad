"""Pages for deciding near-duplicate cases together: gather, preview, decide and undo."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.lib.refusals import show_refusals
from apps.safety.errors import ActionRefused
from apps.safety.models import BulkDecision, Decision
from apps.safety.moderation import bulk_decisions
from apps.safety.moderation import cases as moderation_cases
from apps.safety.moderation.bulk_decisions import BatchItem
from apps.safety.moderation.decision_input import DecisionInput
from apps.safety.policy import schema
from apps.users.permissions import get_signed_in_user, staff_required

_KEYS = {"allow": "A", "block": "B", "warn": "W"}


@require_POST
@staff_required
def gather_batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Claim the near-duplicates of a case and show them."""
    with show_refusals(request, ActionRefused):
        batch = bulk_decisions.gather_batch(get_signed_in_user(request), pk)
        return redirect("safety:batch", batch.pk)
    return redirect("safety:queue")


@require_safe
@never_cache
@staff_required
def show_batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show every text of the batch; each reading is recorded."""
    user = get_signed_in_user(request)
    cases = bulk_decisions.preview_batch(user, _get_own_batch(request, pk))
    if not cases:
        messages.error(request, gettext("Your claim on these cases has expired. Nothing was changed."))
        return redirect("safety:queue")
    row = moderation_cases.get_policy_version(cases[0])
    context = {
        "pk": pk,
        "cases": cases,
        "policy": row,
        "reasons": Decision.Reason.choices,
        "clause": schema.parse_policy(row.body).clause(cases[0].clause),
        "outcomes": [
            (one.value, one.label, _KEYS[one.value]) for one in bulk_decisions.possible_batch_outcomes(cases[0])
        ],
    }
    return render(request, "safety/bulk_decision.html", context)


@require_POST
@staff_required
def decide_batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Decide the ticked cases together."""
    sent, user, batch = request.POST, get_signed_in_user(request), _get_own_batch(request, pk)
    items = [found for value in sent.getlist("item") if (found := _parse_item(value))]
    ruling = DecisionInput("", 0, sent.get("outcome", ""), sent.get("reason", ""), sent.get("note", ""))
    with show_refusals(request, ActionRefused):
        done = bulk_decisions.decide_batch(user, batch, items, ruling)
        if done.missed:
            messages.warning(
                request,
                gettext("%(missed)s cases were not changed, because your claim on them had expired.")
                % {"missed": done.missed},
            )
        return redirect("safety:queue")
    return redirect("safety:batch", pk)


@require_POST
@staff_required
def renew_batch(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Extend the claims of the batch. Return the reason as `message` if none of them holds any more."""
    if bulk_decisions.renew_batch(get_signed_in_user(request), _get_own_batch(request, pk)):
        return JsonResponse({})
    return JsonResponse({"message": gettext("Your claim on these cases has expired. Nothing was changed.")})


@require_POST
@staff_required
def release_batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Release the undecided cases of the batch."""
    bulk_decisions.release_batch(get_signed_in_user(request), _get_own_batch(request, pk))
    return redirect("safety:queue")


@require_POST
@staff_required
def undo_batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Undo the decisions of the batch."""
    with show_refusals(request, ActionRefused):
        taken = bulk_decisions.undo_batch(get_signed_in_user(request), _get_own_batch(request, pk))
        messages.success(request, gettext("%(taken)s decisions undone.") % {"taken": taken})
        return redirect("safety:batch", pk)
    return redirect("safety:queue")


def _get_own_batch(request: HttpRequest, pk: UUID) -> BulkDecision:
    try:
        return bulk_decisions.get_own_batch(get_signed_in_user(request), pk)
    except ActionRefused as error:
        raise Http404 from error


def _parse_item(value: str) -> BatchItem | None:
    """Return the ticked case from "pk:token:version"; None if malformed."""
    pk, _, rest = value.partition(":")
    token, _, version = rest.partition(":")
    return BatchItem(pk, token, int(version)) if version.isdecimal() and len(version) < 10 else None
