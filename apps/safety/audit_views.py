"""Random checks of what was let through, by mouse or keyboard."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.safety import audits
from apps.safety.transitions import Refused
from apps.users.access import person, staff_only


@require_POST
@staff_only
def take(request: HttpRequest) -> HttpResponse:
    return _next(request)


@require_safe
@never_cache
@staff_only
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request)
    try:
        row = audits.read(user, pk)
    except Refused as error:
        raise Http404 from error
    context = {"row": row, "clauses": audits.clauses(row).values(), "left": audits.waiting(user).count()}
    return render(request, "safety/audit.html", context)


@require_POST
@staff_only
def give(request: HttpRequest, pk: UUID) -> HttpResponse:
    sent = request.POST
    try:
        if sent.get("said") == "against" and not sent.get("clause"):
            messages.error(request, gettext("Choose the clause that it is against."))
            return redirect("safety:audit", pk)
        clause = sent.get("clause", "") if sent.get("said") == "against" else ""
        audits.give(person(request), pk, sent.get("token", ""), clause)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("safety:queue")
    return _next(request)


@require_POST
@staff_only
def keep(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Somebody is at it: it lasts. Why not, in words, where it is no longer theirs."""
    try:
        audits.renew(person(request), pk, request.POST.get("token", ""))
    except Refused as refusal:
        return JsonResponse({"words": str(refusal)})
    return JsonResponse({})


@require_POST
@staff_only
def leave(request: HttpRequest, pk: UUID) -> HttpResponse:
    audits.leave(person(request), pk, request.POST.get("token", ""))
    return redirect("safety:queue")


def _next(request: HttpRequest) -> HttpResponse:
    row = audits.take(person(request))
    if row is None:
        messages.success(request, gettext("No random check is waiting."))
        return redirect("safety:queue")
    return redirect("safety:audit", row.pk)
