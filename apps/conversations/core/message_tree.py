"""Paths through a conversation's tree of questions and answers. Pure. Entry points: `find_path`, `cut_before`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.conversations.models import Message


@dataclass(frozen=True, slots=True)
class Exchange:
    """Question and answer of a path, each with its siblings, itself included, oldest first."""

    question: Message
    answer: Message | None  # None if no answer is stored, as after a crash
    questions: tuple[Message, ...]
    answers: tuple[Message, ...]


def find_path(messages: Iterable[Message], through: UUID | None = None) -> list[Exchange]:
    """Return the exchanges of one path from the root to a leaf, first question first.

    The path leads through the message `through`, if it exists. At every other branch it takes the message that was
    chosen or written last.
    """
    rows = sorted(messages, key=lambda row: (row.created, row.pk))
    children: dict[UUID | None, list[Message]] = defaultdict(list)
    for row in rows:
        children[row.parent_id].append(row)
    continued = _map_continuations(rows, children)
    wanted = _list_ancestors(rows, continued, through)
    exchanges: list[Exchange] = []
    questions = _filter_role(Message.Role.USER, children[None])
    while questions:
        question = _select_sibling(questions, wanted)
        answers = tuple(
            row for row in _filter_role(Message.Role.ASSISTANT, children[question.pk]) if row.pk not in continued
        )
        answer = _select_sibling(answers, wanted) if answers else None
        exchanges.append(Exchange(question, answer, questions, answers))
        questions = _filter_role(Message.Role.USER, children[answer.pk]) if answer else ()
    return exchanges


def cut_before(exchanges: list[Exchange], question: UUID) -> list[Exchange]:
    """Return the exchanges before that question; all if it is not among them."""
    for position, exchange in enumerate(exchanges):
        if exchange.question.pk == question:
            return exchanges[:position]
    return exchanges


def find_branch_changes(exchanges: Iterable[Exchange], until: UUID | None = None) -> tuple[UUID, ...]:
    """Return the messages of this path, down to `until`, that are not the chosen ones among their siblings.

    Marking these as chosen makes the path the remembered one.
    """
    rows: list[UUID] = []
    for exchange in exchanges:
        for row, siblings in ((exchange.question, exchange.questions), (exchange.answer, exchange.answers)):
            if row is not None and _select_sibling(siblings, frozenset()) is not row:
                rows.append(row.pk)
            if row is not None and row.pk == until:
                return tuple(rows)
    return tuple(rows)


def _map_continuations(rows: Sequence[Message], children: Mapping[UUID | None, list[Message]]) -> dict[UUID, UUID]:
    """Return, by answer that was continued, the answer that replaces it.

    It does so once it has text (or is being written, or was withheld), unless a question follows the earlier answer.
    """
    lasting = {Message.Status.WRITING, Message.Status.WITHHELD}  # also if it has no text yet, or none any more
    return {
        row.continues_id: row.pk
        for row in rows
        if row.continues_id and (row.text or row.status in lasting) and not children[row.continues_id]
    }


def _list_ancestors(rows: Sequence[Message], continued: Mapping[UUID, UUID], through: UUID | None) -> frozenset[UUID]:
    """Return the message and all its ancestors; a continued answer is replaced by its continuation."""
    parents = {row.pk: row.parent_id for row in rows}
    while through is not None and through in continued:
        through = continued[through]
    wanted = set[UUID]()
    while through is not None and through in parents:
        wanted.add(through)
        through = parents[through]
    return frozenset(wanted)


def _filter_role(role: str, rows: Iterable[Message]) -> tuple[Message, ...]:
    return tuple(row for row in rows if row.role == role)


def _select_sibling(siblings: Sequence[Message], wanted: frozenset[UUID]) -> Message:
    """Return the sibling that is in `wanted`, else the one that was chosen or written last."""
    named = next((row for row in siblings if row.pk in wanted), None)
    return named or max(siblings, key=lambda row: (row.chosen or row.created, row.created, row.pk))
