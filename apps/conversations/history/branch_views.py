"""Views that select and fork branches of a conversation. They return HTML fragments for the script of the page."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.evidence import source_panel
from apps.conversations.history import branching, transcript, transcript_gaps
from apps.conversations.image_chat import tiles as tiled
from apps.conversations.models import Conversation
from apps.users.permissions import get_signed_in_user


@login_required
@require_POST
def select_branch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remember the path through the message `through`, and return the transcript along it."""
    user = get_signed_in_user(request)
    row = get_object_or_404(Conversation.objects.visible_to(user), pk=pk)
    through = _get_message_id(request)
    branching.select_branch(user, row, through)
    context = {
        "conversation": row,
        "turns": transcript_gaps.load_turns(user, transcript_gaps.load_path(row, through), through),
    }
    return render(request, "conversations/chat/_transcript.html", context)


@login_required
@require_GET
def show_turn(request: HttpRequest, answer: UUID) -> HttpResponse:
    """Return the answer with its question as a fragment of the transcript, rendered as on its page."""
    user = get_signed_in_user(request)
    return render(
        request,
        "conversations/turn/_turn.html",
        {"turn": transcript.load_turn(user, source_panel.get_own_answer(user, answer))},
    )


@login_required
@require_GET
def show_pictures(request: HttpRequest, answer: UUID) -> HttpResponse:
    """Return the tiles of the answer; the page polls this while a picture is being drawn."""
    row = source_panel.get_own_answer(get_signed_in_user(request), answer)
    return HttpResponse(tiled.render_tiles(row, tiled.load_tiles([row]).get(row.pk)))


@login_required
@require_POST
def fork_conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Create a conversation from the path down to the answer `through` (or all of it), and redirect to it."""
    user = get_signed_in_user(request)
    row = get_object_or_404(Conversation.objects.visible_to(user), pk=pk)
    new = branching.fork_conversation(user, row, _get_message_id(request))
    if new is None:
        raise Http404
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": f"/c/{new.pk}/"})
    return redirect("conversations:conversation", pk=new.pk)


def _get_message_id(request: HttpRequest) -> UUID | None:
    return parse_id_or_none(request.POST.get("at"))


@login_required
@require_GET
def show_gap(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return some of the turns between the answers `after` (None: the beginning) and `before`, and the remaining
    gap.
    """
    user = get_signed_in_user(request)
    row = get_object_or_404(Conversation.objects.visible_to(user), pk=pk)
    after, before = parse_id_or_none(request.GET.get("after")), parse_id_or_none(request.GET.get("before"))
    path = transcript_gaps.load_path(row, before)
    if before is None or not (found := transcript_gaps.load_gap(user, path, after, before)):
        raise Http404
    rest = transcript_gaps.find_remaining_gap(path, found, before) if after else None
    return render(
        request, "conversations/chat/_transcript_turns.html", {"conversation": row, "turns": found, "rest": rest}
    )
