"""Views that export a conversation: files, and a page to print."""

from __future__ import annotations

from uuid import UUID

import orjson
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from apps.conversations.core.message_tree import find_path
from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.evidence import source_panel
from apps.conversations.history import transcript
from apps.conversations.models import Conversation, ShownSentences
from apps.conversations.transfer import export
from apps.users.permissions import get_signed_in_user


@login_required
@require_GET
def export_markdown(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the path through `?at=`, or the remembered one, as Markdown; `?unverified=1` adds folded sentences."""
    user, row = get_signed_in_user(request), _conversation(request, pk)
    path = find_path(row.messages.all(), parse_id_or_none(request.GET.get("at")))
    text = export.render_markdown(user, row, path, unverified=_wants_unverified(request))
    return _file(text.encode(), "text/markdown; charset=utf-8", row, "md")


@login_required
@require_GET
def copy_markdown(request: HttpRequest, answer: UUID) -> HttpResponse:
    """Return one answer as Markdown, with quotes, numbers and sources, to be copied."""
    user = get_signed_in_user(request)
    row = source_panel.get_own_answer(user, answer)
    text = export.render_answer_markdown(user, row)
    return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers={"Cache-Control": "no-store"})


@login_required
@require_GET
def export_json(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return all branches as a JSON file."""
    row = _conversation(request, pk)
    body = orjson.dumps(export.export_conversation(get_signed_in_user(request), row), option=orjson.OPT_INDENT_2)
    return _file(body, "application/json", row, "json")


@login_required
@require_GET
def show_print_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the path through `?at=`, or the remembered one, to print; `?unverified=1` adds folded sentences."""
    row = _conversation(request, pk)
    path = find_path(row.messages.all(), parse_id_or_none(request.GET.get("at")))
    export.withhold_answers(get_signed_in_user(request), row, path)
    for item in path:
        if item.answer and _wants_unverified(request):
            item.answer.shown_sentences = ShownSentences.ALL
    turns = export.withhold_pictures(transcript.build_turns(get_signed_in_user(request), path))
    context = {
        "conversation": row,
        "title": export.get_export_title(row),
        "turns": turns,
        "disclosure": gettext(export.DISCLOSURE),
        "now": timezone.now(),
    }
    return render(request, "conversations/transfer/print.html", context)


def _wants_unverified(request: HttpRequest) -> bool:
    return request.GET.get("unverified") == "1"


def _conversation(request: HttpRequest, pk: UUID) -> Conversation:
    return get_object_or_404(Conversation.objects.visible_to(get_signed_in_user(request)), pk=pk)


def _file(body: bytes, kind: str, row: Conversation, suffix: str) -> HttpResponse:
    name = f"{slugify(export.get_export_title(row), allow_unicode=True)[:80] or 'conversation'}.{suffix}"
    disposition = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return HttpResponse(body, content_type=kind, headers={"Content-Disposition": disposition})
