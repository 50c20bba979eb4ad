"""What the conversation page shows, read in a handful of queries however long the conversation is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.utils.safestring import SafeString

from apps.conversations import fragments, render
from apps.conversations.cite import Cite
from apps.conversations.models import Citation, Conversation, Message
from apps.conversations.path import Exchange, path
from apps.conversations.shelf import Shelf, shelves
from apps.documents.models import Collection, Document
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Offered:
    """A collection that may be searched."""

    id: UUID
    name: str
    documents: int
    waiting: int
    chosen: bool


def collections(user: User, chosen: set[UUID]) -> list[Offered]:
    rows = (
        Collection.objects.filter(pk__in=Collection.objects.visible_to(user).values("pk"))
        .annotate(ready=Count("documents", filter=Q(documents__status=Document.Status.READY)))
        .annotate(waiting=Count("documents", filter=Q(documents__status__in=Document.ACTIVE)))
        .values_list("pk", "name", "ready", "waiting")
    )
    return [Offered(pk, name, ready, waiting, pk in chosen) for pk, name, ready, waiting in rows]


def turns(user: User, conversation: Conversation, wanted: UUID | None = None) -> list[dict[str, Any]]:
    """The exchanges along the path, oldest first; `wanted` is an answer to show in place of the newest one."""
    exchanges = path(conversation.messages.all())
    chosen = [answer for exchange in exchanges if (answer := _chosen(exchange, wanted)) is not None]
    shelf = shelves(user, chosen)
    cites = _cites(chosen)
    return [
        {
            "question": {
                "id": exchange.question.pk,
                "html": SafeString(render.question_html(exchange.question.text)),
                "text": exchange.question.text,
            },
            "answer": _answer(exchange, answer, shelf[answer.pk], cites.get(answer.pk, [])),
        }
        for exchange in exchanges
        if (answer := _chosen(exchange, wanted)) is not None
    ]


def _chosen(exchange: Exchange, wanted: UUID | None) -> Message | None:
    return next((answer for answer in exchange.answers if answer.pk == wanted), exchange.answer)


def _cites(answers: Sequence[Message]) -> dict[UUID, list[Cite]]:
    found: dict[UUID, list[Cite]] = {}
    for row in Citation.objects.filter(answer__in=answers).select_related("source").order_by("sentence", "-score"):
        number = row.source.number if row.source else None
        found.setdefault(row.answer_id, []).append(
            Cite(row.sentence, row.start, row.end, number, row.source_start, row.source_end, row.score)
        )
    return found


def _answer(exchange: Exchange, answer: Message, shelf: Shelf, cites: list[Cite]) -> dict[str, Any]:
    place = exchange.answers.index(answer)
    return {
        "id": answer.pk,
        "status": answer.status,
        "reason": answer.reason,
        "html": SafeString(render.answer_html(answer.text, cites, answer.pk, gone=shelf.gone)) if answer.text else "",
        "last_seq": 0,
        "steps": answer.steps,
        "quotes_html": shelf.quotes_html,
        "sources_html": shelf.sources_html,
        "nothing_html": _nothing(answer),
        "style": answer.style,
        "model": answer.model,
        "without_documents": answer.without_documents,
        "nothing_found": answer.nothing_found,
        "siblings": len(exchange.answers),
        "place": place + 1,
        "older": _href(exchange.answers[place - 1]) if place else "",
        "newer": _href(exchange.answers[place + 1]) if place + 1 < len(exchange.answers) else "",
    }


def _href(answer: Message) -> str:
    return f"/c/{answer.conversation_id}/?answer={answer.pk}#turn-{answer.pk}"


def _nothing(answer: Message) -> str:
    searched = next((step["nothing"] for step in answer.steps if step.get("nothing")), None)
    return fragments.nothing(searched) if answer.nothing_found and searched else ""
