"""Closes a turn: whatever it has goes into its row in one transaction, once, by whoever holds its lease."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.conversations.cite import Cite
from apps.conversations.models import Citation, Conversation, Message, Source
from apps.conversations.sources import Placed, store
from apps.conversations.turn import Turn
from apps.lib import leases


@dataclass(frozen=True, slots=True)
class Closing:
    """What is kept of a turn."""

    conversation: UUID
    answer: UUID
    lease: str
    fields: dict[str, Any]  # of the answer's row
    placed: tuple[Placed, ...]  # sources not stored yet
    cites: tuple[Cite, ...]


def snapshot(turn: Turn, status: Message.Status, reason: str) -> Closing:
    """What is kept of that turn, as it is now."""
    opening = turn.opening
    usage = {key: round(value, 1) for key, value in turn.timings.items()}
    if turn.usage is not None:
        usage |= asdict(turn.usage)
    fields = {
        "status": status, "reason": reason[:400], "text": turn.text, "style": turn.style, "model": turn.model,
        "nothing_found": turn.nothing is not None, "usage": usage,
        "quotes": [
            {"source": quote.source, "start": quote.start, "end": quote.end, "score": round(quote.score, 4)}
            for quote in turn.quotes
        ],
        "steps": [
            {**asdict(step), **({"nothing": turn.nothing} if step.name == "search" and turn.nothing else {})}
            for step in turn.steps.values()
        ],
    }  # fmt: skip
    placed = () if turn.stored else tuple(turn.placed)
    return Closing(opening.conversation, opening.answer, opening.lease, fields, placed, tuple(turn.cites))


def close(closing: Closing) -> bool:
    """The answer is closed; False where someone else had closed it, and then nothing changed. For `in_db`."""
    running = Message.objects.filter(status=Message.Status.WRITING)
    with transaction.atomic():
        if not leases.release(running, closing.answer, closing.lease, ended=timezone.now(), **closing.fields):
            return False
        if closing.placed:
            store(closing.conversation, closing.answer, closing.placed)
        if closing.cites:
            _cite(closing)
        Conversation.objects.filter(pk=closing.conversation).update(changed=timezone.now())
    return True


def _cite(closing: Closing) -> None:
    numbers = dict(Source.objects.filter(conversation=closing.conversation).values_list("number", "pk"))
    Citation.objects.bulk_create(
        Citation(
            answer_id=closing.answer, sentence=cite.sentence, start=cite.start, end=cite.end,
            source_id=None if cite.source is None else numbers[cite.source],
            source_start=cite.source_start, source_end=cite.source_end, score=cite.score,
        )
        for cite in closing.cites
    )  # fmt: skip
