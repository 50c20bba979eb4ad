"""Page of a temporary chat, and its sources, whose URLs name document, page and spans."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from apps.conversations.evidence import source_panel
from apps.conversations.history.views import build_new_chat_context
from apps.documents.reader.page_view import parse_spans
from apps.users.permissions import get_signed_in_user


@login_required
@require_GET
def show_temporary_chat(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Show a new temporary chat. With the `pk` of an earlier one, the page says that it has ended."""
    context = {**build_new_chat_context(request), "temporary": True, "gone": pk is not None, "warm": False}
    return render(request, "conversations/chat/conversation.html", context)


@login_required
@require_GET
def show_temporary_source(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Show the passage of a document at `?page=&spans=`, as `evidence_views.show_source` does for stored answers."""
    page, spans = request.GET.get("page", ""), request.GET.get("spans", "")
    at = int(page) if page.isascii() and page.isdigit() and len(page) < 8 else 1
    found = [[start, end] for start, end in parse_spans(spans)]
    here = [[start, end] for start, end in parse_spans(request.GET.get("here", ""))]
    state = request.GET.get("state", "")
    opened = source_panel.load_passage(get_signed_in_user(request), pk, number, at, found, state, here)
    if request.GET.get("preview"):
        return render(request, "conversations/evidence/_source_preview.html", {"source": opened})
    if not request.headers.get("HX-Request"):
        return redirect(f"/documents/{pk}/?{urlencode({'page': at, 'spans': spans})}")
    return render(request, "conversations/evidence/_source_panel.html", {"source": opened, "previous": "", "next": ""})
