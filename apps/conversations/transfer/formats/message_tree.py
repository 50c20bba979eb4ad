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
    timestamp: float | None
    model: str
    status: str
    has_children: bool = False  # the row has children

    @property
    def text(self) -> str:
        """Return the joined parts."""
        return _GAP.join(self.parts)


@dataclass(slots=True)
class MessageTree:
    """Rows of a conversation, parents first, with the indexes of the path at which the user was."""

    rows: list[MessageRow] = field(default_factory=list)
    path: frozenset[int] = frozenset()  # indexes of the rows of the current path
    size: int = 0


# Place of a message: index of its row, and the number of parts that the row had then.
_Position = tuple[int, int]


def build_message_tree(messages: Sequence[ImportedMessage], current: str | None) -> MessageTree:
    """Return the tree of the messages. Raise InvalidImport if they are no tree, too many, or empty."""
    if len(messages) > MAX_MESSAGES:
        raise InvalidImport(message_templates.MESSAGES % {"count": f"{len(messages):,}", "most": f"{MAX_MESSAGES:,}"})
    names = {message.id for message in messages}
    if len(names) < len(messages):
        raise InvalidImport("Two of its messages have the same ID.")
    below: dict[str | None, list[ImportedMessage]] = defaultdict(list)
    for message in messages:
        if message.parent is not None and message.parent not in names:
            raise InvalidImport("One of its messages follows a message that is not in the file.")
        below[message.parent].append(message)
    tree, positions = MessageTree(), dict[str, _Position | None]()
    waiting = [(message, None) for message in reversed(below[None])]
    parent: _Position | None
    while waiting:
        message, parent = waiting.pop()
        positions[message.id] = _place_message(tree, message, parent) if message.role else parent
        waiting += [(one, positions[message.id]) for one in reversed(below[message.id])]  # type: ignore[misc]
    if len(positions) < len(messages):
        raise InvalidImport("Its messages refer to each other in a circle.")
    if not tree.rows:
        raise InvalidImport("It contains no question and no answer.")
    tree.path = _find_path(tree.rows, positions, current)
    return tree


def _place_message(tree: MessageTree, message: ImportedMessage, parent: _Position | None) -> _Position:
    if message.role == "assistant" and parent is None:
        parent = _add_row(tree, MessageRow(None, "user", [MISSING_QUESTION], message.timestamp, "", "complete"))
    row = tree.rows[parent[0]] if parent else None
    if parent is None or row is None:
        return _add_row(tree, _make_row(None, message, []))
    if row.role != message.role:
        index = parent[0] if len(row.parts) == parent[1] else _copy_row(tree, parent)
        tree.rows[index].has_children = True
        return _add_row(tree, _make_row(index, message, []))
    if row.has_children or len(row.parts) != parent[1]:
        return _add_row(tree, _make_row(row.parent, message, row.parts[: parent[1]], row.timestamp))
    row.parts.append(message.text)
    row.status, row.model = message.status, message.model or row.model
    _check_size(tree, len(message.text))
    return parent[0], len(row.parts)


def _copy_row(tree: MessageTree, position: _Position) -> int:
    """Add a copy of the row with only its first parts, as it was when the message was attached; return its index."""
    row = tree.rows[position[0]]
    return _add_row(
        tree, MessageRow(row.parent, row.role, row.parts[: position[1]], row.timestamp, row.model, row.status)
    )[0]


def _make_row(parent: int | None, message: ImportedMessage, before: list[str], at: float | None = None) -> MessageRow:
    role: Role = message.role or "user"
    return MessageRow(
        parent, role, [*before, *filter(None, [message.text])], at or message.timestamp, message.model, message.status
    )


def _add_row(tree: MessageTree, row: MessageRow) -> _Position:
    tree.rows.append(row)
    _check_size(tree, sum(map(len, row.parts)))
    return len(tree.rows) - 1, len(row.parts)


def _check_size(tree: MessageTree, more: int) -> None:
    tree.size += more
    if tree.size > MAX_CHARACTERS or len(tree.rows) > MAX_MESSAGES:
        raise InvalidImport(
            message_templates.CHAT_LONG % {"characters": f"{MAX_CHARACTERS:,}", "messages": f"{MAX_MESSAGES:,}"}
        )


def _find_path(
    rows: Sequence[MessageRow], positions: Mapping[str, _Position | None], current: str | None
) -> frozenset[int]:
    position = positions.get(current) if current else None
    at: int | None = position[0] if position else None
    found = set[int]()
    while at is not None:
        found.add(at)
        at = rows[at].parent
    return frozenset(found)
