"""What of a long conversation a page holds at once: the turns at its end, and those around the message that was asked
for. The rest are gaps, filled from one side when their reader comes near."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from apps.conversations.core.message_tree import Exchange, find_path
from apps.conversations.history import transcript
from apps.conversations.models import Conversation, Message
from apps.users.models import User

MAX_GAP_TURNS = 12  # turns: a screen or two, rendered in some 30 ms
_BEFORE = 2  # of them, before the one that was asked for
_LIGHT = ("conversation_id", "parent_id", "role", "status", "created", "chosen", "continues_id")


@dataclass(frozen=True, slots=True)
class TranscriptGap:
    """So many turns stand between `after` (an answer; None: the beginning) and `before` (one, too)."""

    turns: int
    after: UUID | None
    before: UUID


def load_path(conversation: Conversation, at: UUID | None = None) -> list[Exchange]:
    """The path through that message, or the remembered one, its rows without their texts. Two queries."""
    rows = {row.pk: row for row in conversation.messages.only(*_LIGHT)}
    # Whether one that writes on has words decides which of the two is shown.
    rows |= conversation.messages.in_bulk([row.pk for row in rows.values() if row.continues_id])
    return [item for item in find_path(rows.values(), at) if item.answer is not None]


def load_turns(user: User, exchanges: Sequence[Exchange], at: UUID | None = None) -> list[dict[str, Any]]:
    """The turns at the end and around `at`, as templates take them; `gap` says what is left out before one of them."""
    end = len(exchanges)
    shown = set(range(max(0, end - MAX_GAP_TURNS), end))
    place = next((n for n, item in enumerate(exchanges) if at in _ids(item)), None) if at else None
    if place is not None:
        first = max(0, place - _BEFORE)
        shown |= set(range(first, min(end, first + MAX_GAP_TURNS)))
    return _with_gaps(user, exchanges, sorted(shown))


def load_gap(user: User, exchanges: Sequence[Exchange], after: UUID | None, before: UUID) -> list[dict[str, Any]]:
    """Some of the turns of a gap: the last ones where it reaches to the beginning, else the first ones."""
    answers = [item.answer.pk for item in exchanges if item.answer]
    until = answers.index(before) if before in answers else 0
    since = answers.index(after) + 1 if after in answers else 0
    if after is None:
        return _with_gaps(user, exchanges, list(range(max(since, until - MAX_GAP_TURNS), until)))
    numbers = list(range(since, min(until, since + MAX_GAP_TURNS)))
    return _with_gaps(user, exchanges, numbers, since)


def find_remaining_gap(
    exchanges: Sequence[Exchange], shown: Sequence[dict[str, Any]], before: UUID
) -> TranscriptGap | None:
    """What of a gap that is filled from its beginning remains behind those turns."""
    answers = [item.answer.pk for item in exchanges if item.answer]
    if not shown or before not in answers:
        return None
    last = shown[-1]["answer"]["id"]
    turns = answers.index(before) - answers.index(last) - 1
    return TranscriptGap(turns, last, before) if turns > 0 else None


def _with_gaps(
    user: User, exchanges: Sequence[Exchange], numbers: Sequence[int], since: int = 0
) -> list[dict[str, Any]]:
    whole = _whole(exchanges[number] for number in numbers)
    found = transcript.build_turns(user, whole)
    expected = since
    for number, turn in zip(numbers, found, strict=True):
        earlier = exchanges[expected - 1].answer if expected else None
        turn["gap"] = (
            TranscriptGap(number - expected, earlier.pk if earlier else None, turn["answer"]["id"])
            if number > expected
            else None
        )
        expected = number + 1
    return found


def _whole(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """The same with all of their own rows; siblings are only counted and linked."""
    wanted = list(exchanges)
    rows = Message.objects.in_bulk([pk for item in wanted for pk in _ids(item)])
    return [
        replace(item, question=rows[item.question.pk], answer=rows[item.answer.pk])
        for item in wanted
        if item.answer and item.question.pk in rows and item.answer.pk in rows
    ]


def _ids(item: Exchange) -> tuple[UUID, ...]:
    return (item.question.pk, item.answer.pk) if item.answer else (item.question.pk,)
