"""The way through a conversation's tree of messages that is shown and remembered. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.conversations.models import Message


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and an answer to it, each with its siblings, itself among them, oldest first."""

    question: Message
    answer: Message | None  # None only where a process died before it was stored
    questions: tuple[Message, ...]
    answers: tuple[Message, ...]


def find_path(messages: Iterable[Message], through: UUID | None = None) -> list[Exchange]:
    """The exchanges of one way from the root to a leaf, first question first.

    It leads through that message, where there is one; at every other fork to what was last chosen or written.
    """
    rows = sorted(messages, key=lambda row: (row.created, row.pk))
    children: dict[UUID | None, list[Message]] = defaultdict(list)
    for row in rows:
        children[row.parent_id].append(row)
    continued = _continued(rows, children)
    wanted = _ancestry(rows, continued, through)
    exchanges: list[Exchange] = []
    questions = _of(Message.Role.USER, children[None])
    while questions:
        question = _chosen(questions, wanted)
        answers = tuple(row for row in _of(Message.Role.ASSISTANT, children[question.pk]) if row.pk not in continued)
        answer = _chosen(answers, wanted) if answers else None
        exchanges.append(Exchange(question, answer, questions, answers))
        questions = _of(Message.Role.USER, children[answer.pk]) if answer else ()
    return exchanges


def cut_before(exchanges: list[Exchange], question: UUID) -> list[Exchange]:
    """The exchanges that came before that question; all where it is not among them."""
    for position, exchange in enumerate(exchanges):
        if exchange.question.pk == question:
            return exchanges[:position]
    return exchanges


def find_branch_changes(exchanges: Iterable[Exchange], until: UUID | None = None) -> tuple[UUID, ...]:
    """The messages of this way, down to `until`, that the remembered one passes by."""
    rows: list[UUID] = []
    for exchange in exchanges:
        for row, siblings in ((exchange.question, exchange.questions), (exchange.answer, exchange.answers)):
            if row is not None and _chosen(siblings, frozenset()) is not row:
                rows.append(row.pk)
            if row is not None and row.pk == until:
                return tuple(rows)
    return tuple(rows)


def _continued(rows: Sequence[Message], children: Mapping[UUID | None, list[Message]]) -> dict[UUID, UUID]:
    """Answers whose place another one has taken that writes on, once it has words and while nothing follows them."""
    lasting = {Message.Status.WRITING, Message.Status.WITHHELD}  # also where its words were taken back
    return {
        row.continues_id: row.pk
        for row in rows
        if row.continues_id and (row.text or row.status in lasting) and not children[row.continues_id]
    }


def _ancestry(rows: Sequence[Message], continued: Mapping[UUID, UUID], through: UUID | None) -> frozenset[UUID]:
    """That message and all above it; an answer that was continued stands for what continues it."""
    parents = {row.pk: row.parent_id for row in rows}
    while through is not None and through in continued:
        through = continued[through]
    wanted = set[UUID]()
    while through is not None and through in parents:
        wanted.add(through)
        through = parents[through]
    return frozenset(wanted)


def _of(role: str, rows: Iterable[Message]) -> tuple[Message, ...]:
    return tuple(row for row in rows if row.role == role)


def _chosen(siblings: Sequence[Message], wanted: frozenset[UUID]) -> Message:
    """The one that is wanted, or that was chosen or written last."""
    named = next((row for row in siblings if row.pk in wanted), None)
    return named or max(siblings, key=lambda row: (row.chosen or row.created, row.created, row.pk))
