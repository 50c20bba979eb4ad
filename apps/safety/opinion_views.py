"""Second looks, by mouse or keyboard; asking for one, opening a disputed decision again."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.safety import exposure, masking, opinions, policies, policy, review
from apps.safety.transitions import Refused
from apps.users.access import administrators_only, person, staff_only


@require_POST
@staff_only
def take(request: HttpRequest) -> HttpResponse:
    return _next(request)


@require_safe
@never_cache
@staff_only
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The text and its clause, and nothing of what anybody said about it."""
    user = person(request)
    try:
        row = opinions.read(user, pk)
    except Refused as error:
        raise Http404 from error
    version = row.snapshot.policy or policies.live()
    context = {"look": row, "around": masking.mask_turns(row.snapshot.context),
               "clause": policy.read(version.body).clause(row.clause), "policy": version,
               "covered": row.severity >= exposure.HARD and exposure.care(user).covered,
               "left": opinions.waiting(user).count()}  # fmt: skip
    return render(request, "safety/look.html", context)


@require_POST
@staff_only
def give(request: HttpRequest, pk: UUID) -> HttpResponse:
    sent, user = request.POST, person(request)
    try:
        if sent.get("said") not in ("against", "harmless"):
            raise Refused(gettext("Say whether it is against the clause."))
        opinions.give(user, pk, sent.get("token", ""), sent["said"] == "against", sent.get("note", ""))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("safety:queue")
    return _next(request)


@require_POST
@staff_only
def keep(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Somebody is at it: it lasts. Why not, in words, where it is no longer theirs."""
    try:
        opinions.renew(person(request), pk, request.POST.get("token", ""))
    except Refused as refusal:
        return JsonResponse({"words": str(refusal)})
    return JsonResponse({})


@require_POST
@staff_only
def leave(request: HttpRequest, pk: UUID) -> HttpResponse:
    try:
        opinions.leave(person(request), pk, request.POST.get("token", ""))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("safety:queue")


@require_POST
@staff_only
def ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The case goes back to the queue until somebody else has said what they think."""
    try:
        review.second(person(request), pk, request.POST.get("token", ""))
        messages.success(request, gettext("Somebody else is asked. The case waits in the queue with what they say."))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("safety:queue")


@require_POST
@administrators_only
def reopen(request: HttpRequest, pk: UUID) -> HttpResponse:
    try:
        review.reopen(person(request), pk)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("safety:queue")
    return redirect("safety:case", pk)


def _next(request: HttpRequest) -> HttpResponse:
    row = opinions.take(person(request))
    if row is None:
        messages.success(request, gettext("No second look is waiting."))
        return redirect("safety:queue")
    return redirect("safety:look", row.pk)
