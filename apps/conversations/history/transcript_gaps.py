"""Load only part of a long transcript: the turns at its end, and those around a requested message.

The rest are gaps, which the page loads from one side as the user scrolls. Entry points: `load_path`, `load_turns`,
`load_gap`, `find_remaining_gap`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from apps.conversations.core.message_tree import Exchange, find_path
from apps.conversations.history import transcript
from apps.conversations.models import Conversation, Message
from apps.users.models import User

MAX_GAP_TURNS = 12  # one or two screens, rendered in about 30 ms
_BEFORE = 2  # turns before the requested one
_LIGHT = ("conversation_id", "parent_id", "role", "status", "created", "chosen", "continues_id")


@dataclass(frozen=True, slots=True)
class TranscriptGap:
    """Gap of `turns` turns between the answers `after` (None: the beginning) and `before`."""

    turns: int
    after: UUID | None
    before: UUID


def load_path(conversation: Conversation, through: UUID | None = None) -> list[Exchange]:
    """Return the path through the message, or the remembered one, without texts. Two queries."""
    rows = {row.pk: row for row in conversation.messages.only(*_LIGHT)}
    # `find_path` needs the text of continuing answers to decide which of the two is shown.
    rows |= conversation.messages.in_bulk([row.pk for row in rows.values() if row.continues_id])
    return [item for item in find_path(rows.values(), through) if item.answer is not None]


def load_turns(user: User, exchanges: Sequence[Exchange], through: UUID | None = None) -> list[dict[str, Any]]:
    """Return the turns at the end and around `through` for templates; `gap` is the TranscriptGap before a turn, or
    None.
    """
    end = len(exchanges)
    shown = set(range(max(0, end - MAX_GAP_TURNS), end))
    index = next((n for n, item in enumerate(exchanges) if through in _list_ids(item)), None) if through else None
    if index is not None:
        first = max(0, index - _BEFORE)
        shown |= set(range(first, min(end, first + MAX_GAP_TURNS)))
    return _insert_gaps(user, exchanges, sorted(shown))


def load_gap(user: User, exchanges: Sequence[Exchange], after: UUID | None, before: UUID) -> list[dict[str, Any]]:
    """Return at most MAX_GAP_TURNS turns between the answers `after` and `before`.

    They are the last ones if `after` is None, else the first ones.
    """
    answers = [item.answer.pk for item in exchanges if item.answer]
    until = answers.index(before) if before in answers else 0
    first = answers.index(after) + 1 if after in answers else 0
    if after is None:
        return _insert_gaps(user, exchanges, list(range(max(first, until - MAX_GAP_TURNS), until)))
    numbers = list(range(first, min(until, first + MAX_GAP_TURNS)))
    return _insert_gaps(user, exchanges, numbers, first)


def find_remaining_gap(
    exchanges: Sequence[Exchange], shown: Sequence[dict[str, Any]], before: UUID
) -> TranscriptGap | None:
    """Return what is missing between the last of the `shown` turns and the answer `before`; None if nothing is."""
    answers = [item.answer.pk for item in exchanges if item.answer]
    if not shown or before not in answers:
        return None
    last = shown[-1]["answer"]["id"]
    turns = answers.index(before) - answers.index(last) - 1
    return TranscriptGap(turns, last, before) if turns > 0 else None


def _insert_gaps(
    user: User, exchanges: Sequence[Exchange], numbers: Sequence[int], first: int = 0
) -> list[dict[str, Any]]:
    whole = _load_complete(exchanges[number] for number in numbers)
    found = transcript.build_turns(user, whole)
    expected = first
    for number, turn in zip(numbers, found, strict=True):
        earlier = exchanges[expected - 1].answer if expected else None
        turn["gap"] = (
            TranscriptGap(number - expected, earlier.pk if earlier else None, turn["answer"]["id"])
            if number > expected
            else None
        )
        expected = number + 1
    return found


def _load_complete(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Return the exchanges with complete rows of question and answer; siblings stay partial, as pages only link to
    them.
    """
    wanted = list(exchanges)
    rows = Message.objects.in_bulk([pk for item in wanted for pk in _list_ids(item)])
    return [
        replace(item, question=rows[item.question.pk], answer=rows[item.answer.pk])
        for item in wanted
        if item.answer and item.question.pk in rows and item.answer.pk in rows
    ]


def _list_ids(item: Exchange) -> tuple[UUID, ...]:
    return (item.question.pk, item.answer.pk) if item.answer else (item.question.pk,)
