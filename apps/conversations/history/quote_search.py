"""Search the quotes of a user's answers. Their text is in the pages of documents only, so the pages are searched.

Entry point: `search_quotes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef

from apps.conversations.models import Conversation, Message, Source
from apps.documents.models import Page
from apps.documents.retrieval import search
from apps.grounding.quote_selection import read_spans
from apps.users.models import User

MAX_SOURCES, MAX_ANSWERS = 5_000, 300  # that one search looks at, the latest first


def search_quotes(user: User, terms: Sequence[str]) -> Iterator[tuple[Message, str]]:
    """Yield answers that quote a page with the longest of the terms, the latest first, each with the text of its
    quotes as the user may read them now. For `in_db`."""
    pages = Page.objects.filter(
        document=OuterRef("document"), number=OuterRef("page_number"), text__icontains=max(terms, key=len)
    )
    sources = Source.objects.filter(Exists(pages), conversation__in=Conversation.objects.visible_to(user).order_by())
    found: dict[UUID, dict[int, tuple[UUID | None, int]]] = {}  # document and page by conversation and source number
    rows = sources.order_by("-pk").values_list("conversation", "number", "document", "page_number")[:MAX_SOURCES]
    for conversation, number, document, page in rows:
        found.setdefault(conversation, {})[number] = document, page
    answers = _load_answers(user, found)
    quotes = [
        (answer, (*found[answer.conversation_id][quote["source"]], read_spans(quote)))
        for answer in answers
        for quote in answer.quotes
        if quote["source"] in found[answer.conversation_id]
    ]
    texts: dict[UUID, list[str]] = {}
    for (answer, _), text in zip(quotes, search.read_spans(user, [location for _, location in quotes]), strict=True):
        texts.setdefault(answer.pk, []).extend([text] if text else [])
    yield from ((answer, "\n".join(texts[answer.pk])) for answer in answers if texts.get(answer.pk))


def _load_answers(user: User, conversations: Iterable[UUID]) -> list[Message]:
    rows = Message.objects.filter(conversation__in=list(conversations), asked_by=user, role=Message.Role.ASSISTANT)
    rows = rows.filter(retracted=None).exclude(status=Message.Status.WRITING).exclude(quotes=[]).order_by("-created")
    rows = rows.only("role", "text", "quotes", "shown_sentences", "created", "conversation_id", "asked_by_id")
    return list(rows[:MAX_ANSWERS])
