"""Parser of Claude exports: `conversations.json`, a list of conversations with `chat_messages`.

Anthropic does not document the format. The parts of a message are read, not its `text`, which has placeholders for tool
calls. A long paste is stored as an attachment with its text; it belongs to the question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from apps.conversations.transfer.formats.common import (
    ImportedChat,
    ImportedMessage,
    Role,
    as_list,
    as_mapping,
    clean_text,
    parse_message_id,
    parse_time,
    parse_title,
    require_message,
)

SOURCE = "Claude"
_ROLES: dict[str, Role] = {"human": "user", "assistant": "assistant"}
_NOTHING = {f"00000000-0000-{version}000-{variant}000-000000000000" for version, variant in ("48", "00")}


def matches_format(item: Mapping[str, Any]) -> bool:
    """Return whether the object is a conversation of this format."""
    return isinstance(item.get("chat_messages"), list)


def parse_chat(item: Mapping[str, Any]) -> ImportedChat:
    """Return the conversation. Raise InvalidImport."""
    left_out: Counter[str] = Counter()
    messages: list[ImportedMessage] = []
    for message in item["chat_messages"]:
        messages.append(_parse_message(require_message(message), messages[-1].id if messages else None, left_out))
    last = messages[-1].id if messages else None  # the newest, since messages are in order of time
    return ImportedChat(
        SOURCE,
        parse_title(item.get("name")),
        tuple(messages),
        current=clean_text(item.get("current_leaf_message_uuid")) or last,
        timestamp=parse_time(item.get("created_at")),
        key=clean_text(item.get("uuid"))[:200],
        pinned=item.get("is_starred") is True,
        left_out=left_out,
    )


def _parse_message(message: Mapping[str, Any], before: str | None, left_out: Counter[str]) -> ImportedMessage:
    """Return the message. In older files, which name no parents, it follows the message `before` it."""
    parent = message.get("parent_message_uuid", before)
    role = _ROLES.get(str(message.get("sender")))
    left_out["picture or file"] += len(as_list(message.get("files")))
    text = clean_text("\n\n".join([*_parts(message), *_pasted(message, left_out)])) if role else ""
    return ImportedMessage(
        parse_message_id(message.get("uuid")),
        None if not parent or parse_message_id(parent) in _NOTHING else parent,
        role if text else None,
        text,
        parse_time(message.get("created_at")),
    )


def _parts(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text parts; reasoning and tool calls are parts of other types."""
    parts = as_list(message.get("content")) or [{"type": "text", "text": message.get("text")}]
    for part in map(as_mapping, parts):
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            yield part["text"]


def _pasted(message: Mapping[str, Any], left_out: Counter[str]) -> Iterator[str]:
    for item in map(as_mapping, as_list(message.get("attachments"))):
        content = clean_text(item.get("extracted_content"))
        left_out["picture or file"] += not content
        if content:
            yield f"{name}:\n{content}" if (name := parse_title(item.get("file_name"))) else content
