"""Convert the messages of a file to alternating questions and answers. Pure. Entry point: `build_message_tree`.

Other programs have consecutive answers (around tool calls) or consecutive questions (without an answer); these are
joined. Messages without a role are skipped, and their children attached to their parents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from apps.conversations.transfer.formats.common import (
    MAX_CHARACTERS,
    MAX_MESSAGES,
    ImportedMessage,
    InvalidImport,
    Role,
)
from apps.lib.text import message_templates

MISSING_QUESTION = "(No question: the conversation begins here.)"
_GAP = "\n\n"


@dataclass(slots=True)
class MessageRow:
    """Row of the tree; `parent` is the index of an earlier row, None for a first question."""

    parent: int | None
    role: Role
    parts: list[str]
    at: float | None
    model: str
    status: str
    grown: bool = False  # the row has children

    @property
    def text(self) -> str:
        """Return the joined parts."""
        return _GAP.join(self.parts)


@dataclass(slots=True)
class MessageTree:
    """Rows of a conversation, parents first, with the indexes of the path at which the user was."""

    rows: list[MessageRow] = field(default_factory=list)
    way: frozenset[int] = frozenset()  # indexes of the rows of the current path
    size: int = 0


# Place of a message: index of its row, and the number of parts that the row had then.
_Place = tuple[int, int]


def build_message_tree(notes: Sequence[ImportedMessage], current: str | None) -> MessageTree:
    """Return the tree of the messages. Raise InvalidImport if they are no tree, too many, or empty."""
    if len(notes) > MAX_MESSAGES:
        raise InvalidImport(message_templates.MESSAGES % {"count": f"{len(notes):,}", "most": f"{MAX_MESSAGES:,}"})
    names = {note.id for note in notes}
    if len(names) < len(notes):
        raise InvalidImport("Two of its messages have the same ID.")
    below: dict[str | None, list[ImportedMessage]] = defaultdict(list)
    for note in notes:
        if note.parent is not None and note.parent not in names:
            raise InvalidImport("One of its messages follows a message that is not in the file.")
        below[note.parent].append(note)
    laid, places = MessageTree(), dict[str, _Place | None]()
    waiting = [(note, None) for note in reversed(below[None])]
    above: _Place | None
    while waiting:
        note, above = waiting.pop()
        places[note.id] = _placed(laid, note, above) if note.role else above
        waiting += [(one, places[note.id]) for one in reversed(below[note.id])]  # type: ignore[misc]
    if len(places) < len(notes):
        raise InvalidImport("Its messages refer to each other in a circle.")
    if not laid.rows:
        raise InvalidImport("It contains no question and no answer.")
    laid.way = _way(laid.rows, places, current)
    return laid


def _placed(laid: MessageTree, note: ImportedMessage, above: _Place | None) -> _Place:
    if note.role == "assistant" and above is None:
        above = _new(laid, MessageRow(None, "user", [MISSING_QUESTION], note.at, "", "complete"))
    row = laid.rows[above[0]] if above else None
    if above is None or row is None:
        return _new(laid, _row(None, note, []))
    if row.role != note.role:
        parent = above[0] if len(row.parts) == above[1] else _twin(laid, above)
        laid.rows[parent].grown = True
        return _new(laid, _row(parent, note, []))
    if row.grown or len(row.parts) != above[1]:
        return _new(laid, _row(row.parent, note, row.parts[: above[1]], row.at))
    row.parts.append(note.text)
    row.status, row.model = note.status, note.model or row.model
    _weigh(laid, len(note.text))
    return above[0], len(row.parts)


def _twin(laid: MessageTree, place: _Place) -> int:
    """Add a copy of the row with only its first parts, as it was when the message was attached; return its index."""
    row = laid.rows[place[0]]
    return _new(laid, MessageRow(row.parent, row.role, row.parts[: place[1]], row.at, row.model, row.status))[0]


def _row(parent: int | None, note: ImportedMessage, before: list[str], at: float | None = None) -> MessageRow:
    role: Role = note.role or "user"
    return MessageRow(parent, role, [*before, *filter(None, [note.text])], at or note.at, note.model, note.status)


def _new(laid: MessageTree, row: MessageRow) -> _Place:
    laid.rows.append(row)
    _weigh(laid, sum(map(len, row.parts)))
    return len(laid.rows) - 1, len(row.parts)


def _weigh(laid: MessageTree, more: int) -> None:
    laid.size += more
    if laid.size > MAX_CHARACTERS or len(laid.rows) > MAX_MESSAGES:
        raise InvalidImport(
            message_templates.CHAT_LONG % {"characters": f"{MAX_CHARACTERS:,}", "messages": f"{MAX_MESSAGES:,}"}
        )


def _way(rows: Sequence[MessageRow], places: Mapping[str, _Place | None], current: str | None) -> frozenset[int]:
    place = places.get(current) if current else None
    at: int | None = place[0] if place else None
    found = set[int]()
    while at is not None:
        found.add(at)
        at = rows[at].parent
    return frozenset(found)
