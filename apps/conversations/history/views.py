"""Pages of chats and their fragments. Rows are fetched through `visible_to`: unknown and foreign ones are both 404.

`/`, `/temporary/` and `/c/<uuid>/` render `conversations/chat/conversation.html` with

    conversation    the row, or None on the page of a new chat
    collections     `transcript.CollectionOption` of all collections that the user may search
    missing_scope   words for the conversation's collections if all are deleted or no longer shared, else ""
    starters        questions to begin with, on the page of a new chat: the assistant's, else of the documents
    temporary, gone the chat is temporary; an earlier temporary chat has ended
    turns           [{"question": {…}, "answer": {…}, "gap"}] along the chosen path, oldest first;
                    `gap` is None, or the `TranscriptGap` before this turn

An answer has, among others (`transcript.py`),

    id, status, reason      `status` as in `Message.Status`; "writing" while its turn runs
    html                    its blocks with citation marks; while writing, the last checkpoint, until the replay
    last_seq                resume after this number; 0 replays everything and replaces `html` (always 0 while writing)
    weak                    most of its statements have no source
    steps                   [{"name", "words", "ms"}]
    quotes_html, sources_html, nothing_html, pictures_html     rendered fragments, or ""
    pictures                `tiles.Tile` of each picture, or None if none was requested
    style, model, without_model, unchecked, nothing_found
    unfinished              the answer can be continued
    fork                    {"siblings", "place", "older", "newer"}: "2 of 3", and the URLs of the neighbours or ""

and a question has, besides, `text`, `edited` (time of rewording, or None) and its own `fork`.

Fragments, each with its context:

    evidence/_source_list.html    `answer` (id), `used`, `also`: lists of `source_list.SourceView`, `nearest`
    evidence/_quotes.html         `answer` (id), `quotes`: list of `source_list.QuoteView`, `model`
    evidence/_nothing_found.html  `searched` (names), `documents` (how many are ready), `waiting`, `query`,
                                  `can_widen`, `only`
    evidence/_source_panel.html   `source`: `source_panel.SourcePanel`, `previous`, `next`: URL or ""
    evidence/_source_preview.html card of a citation mark: `source` as above
    turn/_pictures.html           `answer` (id), `tiles`: list of `tiles.Tile`, `active`: one is not finished, and
                                  the other values of `tiles.render_tiles`

`components/_conversations.html` is the list of the sidebar, at `/conversations/`; further rows of a section are at
`/conversations/more/`. POST `/c/<uuid>/delete/` redirects to `/`, and `/c/<uuid>/rename/` (field `title`) to the
conversation, or answers htmx with the list of the sidebar.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from apps.conversations.assistants.assistant_choice import can_use_assistant
from apps.conversations.assistants.starter_questions import list_starters
from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.history import conversation_actions, sidebar, transcript, transcript_gaps
from apps.conversations.history.composer_context import build_composer_context
from apps.conversations.models import Conversation
from apps.conversations.turns import question_queue
from apps.documents.library.sharing import accept_pending_shares
from apps.users.i18n import get_time_zone
from apps.users.permissions import get_signed_in_user

_TITLE = 120  # Conversation.title
SHARED_FIELDS = ("title", "text", "url")  # of what another app shares with the installed app
_SHARED = 8_000  # characters of them


@login_required
@require_GET
def show_new_chat(request: HttpRequest) -> HttpResponse:
    """Show the page of a new chat; `?collection=` chooses where to search, `?assistant=` the assistant.

    `?title=`, `?text=` and `?url=` are put into the question field: another app shared them. `?files=` says that the
    service worker holds files of that app; they are attached unless another site sent the user here.
    """
    context = build_new_chat_context(request)
    if (wanted := parse_id_or_none(request.GET.get("assistant"))) and not can_use_assistant(
        get_signed_in_user(request), wanted
    ):
        messages.error(request, gettext("This assistant no longer exists, or it is no longer shared with you."))
    if request.GET.get("collection") and not any(option.chosen for option in context["collections"]):
        messages.error(request, gettext("This collection no longer exists, or it is no longer shared with you."))
    return render(request, "conversations/chat/conversation.html", context)


def build_new_chat_context(request: HttpRequest) -> dict[str, Any]:
    """Return the template context of a new chat."""
    user = get_signed_in_user(request)
    accept_pending_shares(user)
    chosen = {pk} if (pk := parse_id_or_none(request.GET.get("collection"))) else set()
    composer = build_composer_context(user, None, parse_id_or_none(request.GET.get("assistant")))
    return {
        "conversation": None,
        "shared_text": _join_shared(request),
        "shared_files": "files" in request.GET and request.headers.get("Sec-Fetch-Site") != "cross-site",
        "turns": [],
        "collections": transcript.list_collection_options(user, chosen),
        "starters": composer["answers"].starters or list_starters(user, chosen or set(composer["of_assistant"])),
        **composer,
    }


def _join_shared(request: HttpRequest) -> str:
    """Return what another app shared, a line each; apps often repeat the address in the text."""
    lines: list[str] = []
    for name in SHARED_FIELDS:
        value = request.GET.get(name, "").replace("\0", "").strip()
        if value and not any(value in line for line in lines):
            lines.append(value)
    return "\n".join(lines)[:_SHARED]


@login_required
@require_GET
def show_conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a conversation; `?at=` selects the path through that message, and the turns around it are loaded too."""
    user = get_signed_in_user(request)
    shown = Conversation.objects.visible_to(user).select_related("assistant", "files").defer("assistant__picture")
    row = get_object_or_404(shown, pk=pk)
    conversation_actions.mark_read(user, row.pk)
    through = parse_id_or_none(request.GET.get("at"))
    turns = transcript_gaps.load_turns(user, transcript_gaps.load_path(row, through), through)
    chosen = set(row.collections.values_list("pk", flat=True))
    collections = transcript.list_collection_options(user, chosen)
    context = {
        **build_composer_context(user, row),
        "window": turns[-1]["answer"]["window"] if turns else None,
        "conversation": row,
        "queued": question_queue.list_waiting(user, row),
        "turns": turns,
        "collections": collections,
        "missing_scope": transcript.describe_missing_scope(row, collections, chosen),
    }
    return render(request, "conversations/chat/conversation.html", context)


@login_required
@require_GET
def show_sidebar(request: HttpRequest) -> HttpResponse:
    """Return the sections of the sidebar with as many rows as the page has."""
    found = sidebar.load_sidebar(get_signed_in_user(request), request.GET.dict(), get_time_zone(request))
    return render(request, "components/_conversations.html", {"conversation": None, "conversations": found})


@login_required
@require_GET
def show_more(request: HttpRequest) -> HttpResponse:
    """Return the next rows of a section of the sidebar."""
    key, after = request.GET.get("part", ""), request.GET.get("after", "")
    part = sidebar.load_more(get_signed_in_user(request), key, after, get_time_zone(request))
    return render(request, "components/_more_conversations.html", {"conversation": None, "part": part})


@login_required
@require_POST
def delete_conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete the conversation, which can be undone for an hour; a running answer ends."""
    user = get_signed_in_user(request)
    row = get_object_or_404(Conversation.objects.visible_to(user), pk=pk)
    at, count = conversation_actions.delete_conversations(user, [row.pk])
    if count:  # the template renders an undo button with this time
        messages.success(request, gettext("Conversation deleted."), extra_tags=at.isoformat())
    return redirect("conversations:new")


@login_required
@require_POST
def rename_conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Set the title of the form; an empty title changes nothing."""
    row = get_object_or_404(Conversation.objects.visible_to(get_signed_in_user(request)), pk=pk)
    title = " ".join(request.POST.get("title", "").replace("\0", "").split())[:_TITLE]
    if title:
        Conversation.objects.filter(pk=row.pk).update(title=title, title_origin=Conversation.TitleOrigin.PERSON)
    if request.headers.get("HX-Request"):
        return render(request, "components/_conversations.html", {"conversation": row})
    return redirect("conversations:conversation", pk=row.pk)


@login_required
@require_GET
def show_queue(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the questions that wait in the conversation."""
    row = get_object_or_404(Conversation.objects.visible_to(get_signed_in_user(request)), pk=pk)
    return render(
        request,
        "conversations/composer/_queue.html",
        {"queued": question_queue.list_waiting(get_signed_in_user(request), row)},
    )
