"""Turns of a long conversation that were left out at first."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from apps.conversations.history import transcript_gaps
from apps.conversations.history.views import identifier
from apps.conversations.models import Conversation
from apps.users.access import person


@login_required
@require_GET
def turns(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Some of the turns between the answers `after` (none: the beginning) and `before`, and what of the gap is left."""
    user = person(request)
    row = get_object_or_404(Conversation.objects.visible_to(user), pk=pk)
    after, before = identifier(request.GET.get("after")), identifier(request.GET.get("before"))
    way = transcript_gaps.way(row, before)
    if before is None or not (found := transcript_gaps.filled(user, way, after, before)):
        raise Http404
    rest = transcript_gaps.left(way, found, before) if after else None
    return render(request, "conversations/_turns.html", {"conversation": row, "turns": found, "rest": rest})
