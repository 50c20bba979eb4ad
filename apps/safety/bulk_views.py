"""Near-duplicates decided together: gathered from a case, looked through in a list, decided, taken back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.safety import bulk, policy, review
from apps.safety.bulk import Item
from apps.safety.models import Batch, Decision
from apps.safety.review import Ruling
from apps.safety.transitions import Refused
from apps.users.access import person, staff_only

_KEYS = {"allow": "A", "block": "B", "warn": "W"}


@require_POST
@staff_only
def gather(request: HttpRequest, pk: UUID) -> HttpResponse:
    try:
        batch = bulk.gather(person(request), pk)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("safety:queue")
    return redirect("safety:batch", batch.pk)


@require_safe
@never_cache
@staff_only
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every text of the batch; that each was read is recorded."""
    user = person(request)
    cases = bulk.preview(user, _mine(request, pk))
    if not cases:
        messages.error(request, gettext("These cases are no longer yours. Nothing was changed."))
        return redirect("safety:queue")
    row = review.policy_of(cases[0])
    context = {
        "pk": pk, "cases": cases, "policy": row, "reasons": Decision.Reason.choices,
        "clause": policy.read(row.body).clause(cases[0].area),
        "outcomes": [(one.value, one.label, _KEYS[one.value]) for one in bulk.possible(cases[0])],
    }  # fmt: skip
    return render(request, "safety/batch.html", context)


@require_POST
@staff_only
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    sent, user, batch = request.POST, person(request), _mine(request, pk)
    items = [found for value in sent.getlist("item") if (found := _item(value))]
    ruling = Ruling("", 0, sent.get("outcome", ""), sent.get("reason", ""), sent.get("note", ""))
    try:
        done = bulk.decide(user, batch, items, ruling)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("safety:batch", pk)
    if done.missed:
        messages.warning(
            request, gettext("%(missed)s of them were no longer yours and are as they were.") % {"missed": done.missed}
        )
    return redirect("safety:queue")


@require_POST
@staff_only
def keep(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Somebody is at it: the claims last. Why not, in words, where none of them holds any more."""
    if bulk.keep(person(request), _mine(request, pk)):
        return JsonResponse({})
    return JsonResponse({"words": gettext("These cases are no longer yours. Nothing was changed.")})


@require_POST
@staff_only
def leave(request: HttpRequest, pk: UUID) -> HttpResponse:
    bulk.leave(person(request), _mine(request, pk))
    return redirect("safety:queue")


@require_POST
@staff_only
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    try:
        taken = bulk.undo(person(request), _mine(request, pk))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("safety:queue")
    messages.success(request, gettext("%(taken)s decisions taken back. Everything is as it was.") % {"taken": taken})
    return redirect("safety:batch", pk)


def _mine(request: HttpRequest, pk: UUID) -> Batch:
    try:
        return bulk.mine(person(request), pk)
    except Refused as error:
        raise Http404 from error


def _item(value: str) -> Item | None:
    """ "pk:token:version" of a ticked case."""
    pk, _, rest = value.partition(":")
    token, _, version = rest.partition(":")
    return Item(pk, token, int(version)) if version.isdecimal() and len(version) < 10 else None
