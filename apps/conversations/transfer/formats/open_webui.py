"""Parser of Open WebUI exports: a list in which `chat.history.messages` is a mapping with `parentId`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from apps.conversations.transfer.formats.common import (
    ImportedChat,
    ImportedMessage,
    InvalidImport,
    Role,
    as_list,
    as_mapping,
    clean_text,
    parse_message_id,
    parse_model_name,
    parse_time,
    parse_title,
)  # fmt: skip

SOURCE = "Open WebUI"
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_OPEN, _CLOSE = "<details type=", "</details>"


def is_one(item: Mapping[str, Any]) -> bool:
    """Return whether the object is a conversation of this format."""
    return isinstance(as_mapping(item.get("chat")).get("history"), dict)


def chat(item: Mapping[str, Any]) -> ImportedChat:
    """Return the conversation. Raise InvalidImport."""
    inner = item["chat"]
    history = inner["history"]
    left: Counter[str] = Counter()
    notes = []
    for name, said in as_mapping(history.get("messages")).items():
        if not isinstance(said, dict):
            raise InvalidImport("One of its messages is empty.")
        notes.append(_note(parse_message_id(name), said, left))
    return ImportedChat(
        SOURCE,
        parse_title(item.get("title") or inner.get("title")),
        tuple(notes),
        current=clean_text(history.get("currentId")) or None,
        at=parse_time(item.get("created_at") or inner.get("timestamp")),
        key=clean_text(item.get("id"))[:200],
        pinned=item.get("pinned") is True,
        archived=item.get("archived") is True,
        left=left,
    )


def _note(name: str, said: Mapping[str, Any], left: Counter[str]) -> ImportedMessage:
    above = said.get("parentId")
    role = _ROLES.get(str(said.get("role")))
    left["picture or file"] += len(as_list(said.get("files")))
    text = strip_details(clean_text(said.get("content"))) if role else ""
    return ImportedMessage(
        name,
        parse_message_id(above) if above else None,
        role if text else None,
        text,
        parse_time(said.get("timestamp")),
        parse_model_name(said.get("model")) if role == "assistant" else "",
        "failed" if said.get("error") else "stopped" if said.get("done") is False else "complete",
    )


def strip_details(text: str) -> str:
    """Return the text without the <details> parts, which hold reasoning and tool calls."""
    kept, at = [], 0
    while (start := text.find(_OPEN, at)) >= 0 and (end := text.find(_CLOSE, start)) >= 0:
        kept.append(text[at:start])
        at = end + len(_CLOSE)
    return "".join([*kept, text[at:]]).strip()
