"""Views of the evidence of an answer: its sources, trace and reasoning.

Readers of a shared link see the sources too.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import escape
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from apps.conversations.evidence import source_panel
from apps.conversations.history import trace_view
from apps.conversations.moderation import withheld_records
from apps.conversations.sharing import links
from apps.users.permissions import get_signed_in_user


@login_required
@require_GET
def show_source(request: HttpRequest, answer: UUID, number: int) -> HttpResponse:
    """Show a source of an answer: in the panel, or with `?preview=1` as the card of a citation mark.

    Outside htmx, redirect to the document at the passage; 404 if the document is gone.
    """
    user = get_signed_in_user(request)
    row = links.get_shared_answer(answer, number) or source_panel.get_readable_answer(user, answer)
    sentence, quote = (_parse_index(request.GET.get(name, "")) for name in ("sentence", "quote"))
    opened = source_panel.load_source(user, row, number, sentence, quote)
    if request.GET.get("preview"):
        return render(request, "conversations/evidence/_source_preview.html", {"source": opened})
    if not request.headers.get("HX-Request"):
        if opened.unavailable:
            raise Http404
        return redirect(opened.reader_url)
    previous, following = source_panel.get_neighbour_urls(row, number)
    return render(
        request,
        "conversations/evidence/_source_panel.html",
        {"source": opened, "previous": previous, "next": following},
    )


def _parse_index(value: str) -> int | None:
    """Return the number in a URL; None if there is none."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 8 else None


@login_required
@require_GET
def show_trace(request: HttpRequest, answer: UUID) -> HttpResponse:
    """Show the trace of the user's answer in the panel."""
    user = get_signed_in_user(request)
    row = source_panel.get_own_answer(user, answer)
    context = {
        "behind": trace_view.build_trace_view(user, row),
        "withheld": withheld_records.is_withheld(row.conversation_id),
    }
    return render(request, "conversations/turn/_trace.html", context)


@login_required
@require_GET
def show_reasoning(request: HttpRequest, answer: UUID) -> HttpResponse:
    """Return the model's reasoning before the user's answer, as escaped plain text."""
    row = source_panel.get_own_answer(get_signed_in_user(request), answer)
    return HttpResponse(escape(trace_view.load_reasoning([row]).get(row.pk) or gettext("Nothing was recorded")))
