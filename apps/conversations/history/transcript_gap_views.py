"""View that loads turns which the page of a long conversation left out."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.history import transcript_gaps
from apps.conversations.models import Conversation
from apps.users.permissions import get_signed_in_user


@login_required
@require_GET
def show_gap(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return some of the turns between the answers `after` (None: the beginning) and `before`, and the remaining
    gap.
    """
    user = get_signed_in_user(request)
    row = get_object_or_404(Conversation.objects.visible_to(user), pk=pk)
    after, before = parse_id_or_none(request.GET.get("after")), parse_id_or_none(request.GET.get("before"))
    way = transcript_gaps.load_path(row, before)
    if before is None or not (found := transcript_gaps.load_gap(user, way, after, before)):
        raise Http404
    rest = transcript_gaps.find_remaining_gap(way, found, before) if after else None
    return render(
        request, "conversations/chat/_transcript_turns.html", {"conversation": row, "turns": found, "rest": rest}
    )
