"""Claude: `conversations.json` of its data export, a list of conversations with `chat_messages`.

No page of Anthropic describes it. The parts of a message are read and not its `text`, which has a stand-in for each
call of a tool. A long paste is an attachment, whose words the file holds: it was a part of what was asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from apps.conversations.transfer.formats.common import (
    Broken,
    Chat,
    Note,
    Role,
    identity,
    listed,
    mapping,
    moment,
    title,
    words,
)

SOURCE = "Claude"
_ROLES: dict[str, Role] = {"human": "user", "assistant": "assistant"}
_NOTHING = {f"00000000-0000-{version}000-{variant}000-000000000000" for version, variant in ("48", "00")}


def is_one(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("chat_messages"), list)


def chat(item: Mapping[str, Any]) -> Chat:
    """Raises Broken."""
    left: Counter[str] = Counter()
    notes: list[Note] = []
    for said in item["chat_messages"]:
        if not isinstance(said, dict):
            raise Broken("A message of it is empty.")
        notes.append(_note(said, notes[-1].id if notes else None, left))
    last = notes[-1].id if notes else None  # the newest: they stand in the order of their time
    return Chat(
        SOURCE, title(item.get("name")), tuple(notes), current=words(item.get("current_leaf_message_uuid")) or last,
        at=moment(item.get("created_at")), key=words(item.get("uuid"))[:200], pinned=item.get("is_starred") is True,
        left=left,
    )  # fmt: skip


def _note(said: Mapping[str, Any], before: str | None, left: Counter[str]) -> Note:
    """Older files name no parent: there a message follows the one before it."""
    above = said.get("parent_message_uuid", before)
    role = _ROLES.get(str(said.get("sender")))
    left["picture or file"] += len(listed(said.get("files")))
    text = words("\n\n".join([*_parts(said), *_pasted(said, left)])) if role else ""
    return Note(
        identity(said.get("uuid")), None if not above or identity(above) in _NOTHING else above,
        role if text else None, text, moment(said.get("created_at")),
    )  # fmt: skip


def _parts(said: Mapping[str, Any]) -> Iterator[str]:
    """What was said; thoughts and calls of tools are parts of other kinds."""
    parts = listed(said.get("content")) or [{"type": "text", "text": said.get("text")}]
    for part in map(mapping, parts):
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            yield part["text"]


def _pasted(said: Mapping[str, Any], left: Counter[str]) -> Iterator[str]:
    for item in map(mapping, listed(said.get("attachments"))):
        held = words(item.get("extracted_content"))
        left["picture or file"] += not held
        if held:
            yield f"{name}:\n{held}" if (name := title(item.get("file_name"))) else held
