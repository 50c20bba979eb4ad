"""The log of review, for administrators: read only, newest first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.safety import breakglass, logged
from apps.safety.models import Event
from apps.users.access import administrators_only, person
from apps.users.models import User

PAGE = 50


@require_safe
@never_cache
@administrators_only
def page(request: HttpRequest) -> HttpResponse:
    """By kind of entry and by who did it; older ones follow page by page."""
    area, who, before = (request.GET.get(name, "") for name in ("area", "who", "before"))
    area = area if area in logged.AREAS else ""
    rows = Event.objects.filter(logged.AREAS[area][1]).order_by("-seq")
    rows = rows.exclude(subject__in=breakglass.unseen(person(request)))  # an administrator is a person too
    if _number(who):
        rows = rows.filter(actor=int(who))
    if _number(before):
        rows = rows.filter(seq__lt=int(before))
    found = list(rows[: PAGE + 1])
    context = {
        "entries": logged.entries(found[:PAGE]), "area": area, "who": who,
        "areas": [(name, words) for name, (words, _) in logged.AREAS.items()],
        "staff": User.objects.exclude(role=User.Role.MEMBER).order_by("name", "email"),
        "older": found[PAGE - 1].seq if len(found) > PAGE else None, "first": not before,
    }  # fmt: skip
    return render(request, "safety/log.html", context)


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16
