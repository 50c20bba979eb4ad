"""The chat pages and their fragments. Every row is fetched through `visible_to`: unknown and foreign are both 404.

`/` and `/c/<uuid>/` render `conversations/conversation.html` with

    conversation    the row, or None on the page of a new chat
    collections     what may be searched: [{"id", "name", "documents" (ready), "waiting" (still being read), "chosen"}]
    starters        questions to begin with, on the page of a new chat
    turns           [{"question": {"id", "html", "text"}, "answer": {…}}] along the chosen path, oldest first

where an answer is

    id, status, reason      `status` as in `Message.Status`; "writing" while its turn runs
    html                    its blocks, pills included; of a writing answer what was last kept, until the replay
    last_seq                resume after this number; 0 replays everything and replaces `html` (always 0 while writing)
    steps                   [{"name", "words", "ms"}]
    quotes_html, sources_html, nothing_html     rendered fragments, or ""
    style, model, without_documents, nothing_found
    siblings, place, older, newer       "2 of 3": how many answers the question has, which one this is, links to others

Fragments, each with its context:

    _sources.html    `answer` (id), `used`, `also`: lists of `fragments.Shown`
    _quotes.html     `answer` (id), `quotes`: list of `fragments.Quoted`, `model`
    _nothing.html    `searched` (names), `documents` (how many are ready), `waiting`, `query`, `can_widen`
    _source.html     the panel: `source`: `panel.Opened`, `previous`, `next`: address or ""
    _preview.html    the card of a pill: `source` likewise

`components/_conversations.html` is the sidebar's list, at `/conversations/`. POST `/c/<uuid>/delete/` leads to `/`, and
`/c/<uuid>/rename/` (field `title`) to the conversation, or answers htmx with the sidebar's list.
"""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.conversations import pages, panel
from apps.conversations.models import Conversation
from apps.conversations.starters import starters
from apps.documents.sharing import accept_pending
from apps.users.models import User

_TITLE = 120  # Conversation.title


@login_required
@require_GET
def new(request: HttpRequest) -> HttpResponse:
    """The page of a new chat; `?collection=` chooses where to search."""
    accept_pending(_user(request))
    chosen = {pk} if (pk := _identifier(request.GET.get("collection"))) else set()
    offered = pages.collections(_user(request), chosen)
    context = {"conversation": None, "turns": [], "collections": offered, "starters": starters(_user(request), chosen)}
    return render(request, "conversations/conversation.html", context)


@login_required
@require_GET
def conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A conversation; `?answer=` shows that answer in place of the newest to its question."""
    user = _user(request)
    row = get_object_or_404(Conversation.objects.visible_to(user), pk=pk)
    context = {
        "conversation": row,
        "turns": pages.turns(user, row, _identifier(request.GET.get("answer"))),
        "collections": pages.collections(user, set(row.collections.values_list("pk", flat=True))),
    }
    return render(request, "conversations/conversation.html", context)


@login_required
@require_GET
def recent(request: HttpRequest) -> HttpResponse:
    """The sidebar's list, again."""
    return render(request, "components/_conversations.html", {"conversation": None})


@login_required
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The conversation is gone, with its answers; a running one loses its lease with its row, and ends."""
    get_object_or_404(Conversation.objects.visible_to(_user(request)), pk=pk).delete()
    return redirect("conversations:new")


@login_required
@require_POST
def rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The conversation has the title of the form; an empty one changes nothing."""
    row = get_object_or_404(Conversation.objects.visible_to(_user(request)), pk=pk)
    title = " ".join(request.POST.get("title", "").replace("\0", "").split())[:_TITLE]
    if title:
        Conversation.objects.filter(pk=row.pk).update(title=title)
    if request.headers.get("HX-Request"):
        return render(request, "components/_conversations.html", {"conversation": row})
    return redirect("conversations:conversation", pk=row.pk)


@login_required
@require_GET
def source(request: HttpRequest, answer: UUID, number: int) -> HttpResponse:
    """A source of an answer: the panel's inside, or with `?preview=1` the card of its pill."""
    user = _user(request)
    row = panel.answer_of(user, answer)
    opened = panel.opened(user, row, number)
    if request.GET.get("preview"):
        return render(request, "conversations/_preview.html", {"source": opened})
    previous, following = panel.neighbours(row, number)
    return render(request, "conversations/_source.html", {"source": opened, "previous": previous, "next": following})


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _identifier(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
