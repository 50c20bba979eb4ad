"""The way through a conversation's tree of messages that is shown and remembered. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from apps.conversations.models import Message


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answers, oldest first; the newest one is chosen."""

    question: Message
    answers: tuple[Message, ...]

    @property
    def answer(self) -> Message | None:
        return self.answers[-1] if self.answers else None


def path(messages: Iterable[Message]) -> list[Exchange]:
    """The chosen exchanges, first question first. A new answer to an early question leaves what follows in view."""
    children: dict[UUID | None, list[Message]] = defaultdict(list)
    for message in sorted(messages, key=lambda row: (row.created, row.pk)):
        children[message.parent_id].append(message)
    exchanges: list[Exchange] = []
    level = children[None]
    while questions := [row for row in level if row.role == Message.Role.USER]:
        question = questions[-1]
        answers = tuple(row for row in children[question.pk] if row.role == Message.Role.ASSISTANT)
        exchanges.append(Exchange(question, answers))
        level = sorted(
            (row for answer in answers for row in children[answer.pk]), key=lambda row: (row.created, row.pk)
        )
    return exchanges


def before(exchanges: list[Exchange], question: UUID) -> list[Exchange]:
    """The exchanges that came before that question; all where it is not among them."""
    for position, exchange in enumerate(exchanges):
        if exchange.question.pk == question:
            return exchanges[:position]
    return exchanges
