"""Parser of Open WebUI exports: a list in which `chat.history.messages` is a mapping with `parentId`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from apps.conversations.transfer.formats.common import (
    ROLES,
    ImportedChat,
    ImportedMessage,
    as_list,
    as_mapping,
    clean_text,
    parse_message_id,
    parse_model_name,
    parse_time,
    parse_title,
    require_message,
)  # fmt: skip

SOURCE = "Open WebUI"
_OPEN, _CLOSE = "<details type=", "</details>"


def matches_format(item: Mapping[str, Any]) -> bool:
    """Return whether the object is a conversation of this format."""
    return isinstance(as_mapping(item.get("chat")).get("history"), dict)


def parse_chat(item: Mapping[str, Any]) -> ImportedChat:
    """Return the conversation. Raise InvalidImport."""
    inner = item["chat"]
    history = inner["history"]
    left_out: Counter[str] = Counter()
    messages = [
        _parse_message(parse_message_id(name), require_message(message), left_out)
        for name, message in as_mapping(history.get("messages")).items()
    ]
    return ImportedChat(
        SOURCE,
        parse_title(item.get("title") or inner.get("title")),
        tuple(messages),
        current=clean_text(history.get("currentId")) or None,
        timestamp=parse_time(item.get("created_at") or inner.get("timestamp")),
        key=clean_text(item.get("id"))[:200],
        pinned=item.get("pinned") is True,
        archived=item.get("archived") is True,
        left_out=left_out,
    )


def _parse_message(name: str, message: Mapping[str, Any], left_out: Counter[str]) -> ImportedMessage:
    parent = message.get("parentId")
    role = ROLES.get(str(message.get("role")))
    left_out["picture or file"] += len(as_list(message.get("files")))
    text = strip_details(clean_text(message.get("content"))) if role else ""
    return ImportedMessage(
        name,
        parse_message_id(parent) if parent else None,
        role if text else None,
        text,
        parse_time(message.get("timestamp")),
        parse_model_name(message.get("model")) if role == "assistant" else "",
        "failed" if message.get("error") else "stopped" if message.get("done") is False else "complete",
    )


def strip_details(text: str) -> str:
    """Return the text without the <details> parts, which hold reasoning and tool calls."""
    parts, at = [], 0
    while (start := text.find(_OPEN, at)) >= 0 and (end := text.find(_CLOSE, start)) >= 0:
        parts.append(text[at:start])
        at = end + len(_CLOSE)
    return "".join([*parts, text[at:]]).strip()
