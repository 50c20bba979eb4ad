"""Search of Ctrl+K: conversations by title, tags and by what was said, documents and collections by name.

`/search/?q=` returns `components/_palette_results.html` with `query` and `groups` (SearchGroup); without a query, the
latest conversations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from apps.conversations.history import full_text_search
from apps.conversations.history.full_text_search import MessageHit
from apps.conversations.models import Conversation, Message
from apps.documents.models import Collection, Document
from apps.users.models import User
from apps.users.permissions import get_signed_in_user

_SHOWN = 6  # results of one group
_RECENT = 8  # conversations without a query


@dataclass(frozen=True, slots=True)
class PaletteResult:
    """Result of the search. `detail` is escaped HTML or plain text below the title."""

    url: str
    title: str  # "" if the result before has the same
    icon: str  # name in heroicons; "" if the title is
    detail: str = ""
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class SearchGroup:
    """Results of one kind, under a heading."""

    name: str
    results: list[PaletteResult]


@login_required
@require_GET
def search_everything(request: HttpRequest) -> HttpResponse:
    """Return what the user may read that matches `?q=`, in groups."""
    user, query = get_signed_in_user(request), request.GET.get("q", "").replace("\0", "").strip()[:200]
    terms = full_text_search.split_query(query)
    if terms:
        groups = [
            SearchGroup(gettext("Conversations"), _find_titles(user, query)),
            SearchGroup(gettext("Questions and answers"), _find_messages(user, query)),
            SearchGroup(gettext("Documents and collections"), _find_documents(user, terms)),
        ]
    else:
        rows = Conversation.objects.visible_to(user).filter(archived__isnull=True)[:_RECENT]
        groups = [SearchGroup(gettext("Recent conversations"), [_link_conversation(row) for row in rows])]
    context = {"query": query, "groups": [group for group in groups if group.results]}
    return render(request, "components/_palette_results.html", context)


def _find_titles(user: User, query: str) -> list[PaletteResult]:
    """Return conversations whose title or tags match, each with its tags."""
    return [
        _link_conversation(row, gettext("Tags: %(tags)s") % {"tags": ", ".join(row.tag_list)} if row.tags else "")
        for row in full_text_search.search_titles(user, query)[:_SHOWN]
    ]


def _link_conversation(row: Conversation, detail: str = "") -> PaletteResult:
    page = reverse("conversations:conversation", args=[row.pk])
    return PaletteResult(page, str(row), "chat-bubble-left", detail, row.changed)


def _find_messages(user: User, query: str) -> list[PaletteResult]:
    """Return the latest matching messages, each with its snippet, those of one conversation below its title."""
    hits_by_conversation: dict[UUID, list[MessageHit]] = {}
    for hit in full_text_search.search_messages(user, query, _SHOWN):
        hits_by_conversation.setdefault(hit.message.conversation_id, []).append(hit)
    titles = Conversation.objects.visible_to(user).in_bulk(hits_by_conversation)
    return [
        PaletteResult(
            _link_message(hit.message),
            "" if number else str(titles[pk]),
            "" if number else "chat-bubble-left-right",
            hit.snippet,
            hit.message.created,
        )
        for pk, hits in hits_by_conversation.items()
        if pk in titles
        for number, hit in enumerate(hits)
    ]


def _link_message(message: Message) -> str:
    page = reverse("conversations:conversation", args=[message.conversation_id])
    part = "question" if message.role == Message.Role.USER else "turn"
    return f"{page}?at={message.pk}#{part}-{message.pk}"


def _find_documents(user: User, terms: list[str]) -> list[PaletteResult]:
    """Return collections, then documents, whose name or title holds every term."""
    collections = _match(Collection.objects.visible_to(user).order_by("name"), terms, ["name"])[:_SHOWN]
    rows = Document.objects.visible_to(user).select_related("collection").order_by("name")
    documents = _match(rows, terms, ["name", "title"])[:_SHOWN]
    return [
        *(PaletteResult(reverse("documents:collection", args=[row.pk]), row.name, "book-open") for row in collections),
        *(
            PaletteResult(
                reverse("documents:document", args=[row.pk]),
                row.title or row.name,
                "document-text",
                str(row.collection),
            )
            for row in documents
        ),
    ]


def _match(rows: Any, terms: Iterable[str], fields: Iterable[str]) -> Any:
    """Return the rows of the query of which some field holds each term."""
    for term in terms:
        wanted = Q()
        for name in fields:
            wanted |= Q(**{f"{name}__icontains": term})
        rows = rows.filter(wanted)
    return rows
