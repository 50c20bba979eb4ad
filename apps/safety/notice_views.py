"""The people's side: what was decided about their content and why, how to object, and who has looked at it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from apps.safety import appeals, breakglass, restricting
from apps.safety.models import Event, Notice
from apps.safety.transitions import Refused
from apps.users.access import person

PAGE = 50


@require_safe
@login_required
def notices(request: HttpRequest) -> HttpResponse:
    """What this person was told, and by whom their content was read. Reviewers stay nameless."""
    user = person(request)
    rows = list(Notice.objects.filter(person=user).select_related("case", "decision", "decision__appeal")[:PAGE])
    for row in rows:
        row.can_appeal = appeals.can_appeal(row)  # type: ignore[attr-defined]
    Notice.objects.filter(person=user, seen=None).update(seen=timezone.now())
    reads = Event.objects.filter(person=user.pk, kind="read").exclude(actor=user.pk)
    reads = reads.exclude(subject__in=breakglass.unseen(user)).order_by("-seq")
    glass = reads.filter(subject__startswith=breakglass.SUBJECT)[:PAGE]  # told late, it stands behind many others
    looks = sorted({*reads[:PAGE], *glass}, key=lambda one: -one.seq)
    shut = restricting.standing().filter(person=user)
    return render(request, "safety/notices.html", {"notices": rows, "reads": looks, "closed": shut})


@require_POST
@login_required
def appeal(request: HttpRequest, pk: int) -> HttpResponse:
    user = person(request)
    notice = Notice.objects.filter(person=user, pk=pk).select_related("case", "decision").first()
    if notice is None:
        raise Http404
    try:
        appeals.appeal(user, notice, request.POST.get("text", ""))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, gettext("Your appeal is with somebody else now. You are told what they decide."))
    return redirect("safety:notices")
