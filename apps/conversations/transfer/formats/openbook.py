"""Parser of Openbook's own exports, as `apps/conversations/transfer/export.py` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.conversations.transfer.formats.common import (
    ImportedChat,
    ImportedMessage,
    InvalidImport,
    Role,
    as_list,
    clean_text,
    parse_message_id,
    parse_model_name,
    parse_time,
    parse_title,
)

SOURCE = "Openbook"
_FORMAT = "openbook-conversation/1"
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_STATUSES = {"complete", "stopped", "withheld", "failed", "interrupted"}


def is_one(item: Mapping[str, Any]) -> bool:
    """Return whether the object is a conversation of this format."""
    return item.get("format") == _FORMAT and isinstance(item.get("messages"), list)


def chat(item: Mapping[str, Any]) -> ImportedChat:
    """Return the conversation. Raise InvalidImport."""
    notes = tuple(_note(said) for said in item["messages"])
    way = [name for name in as_list(item.get("path")) if isinstance(name, str)]
    return ImportedChat(
        SOURCE,
        parse_title(item.get("title")),
        notes,
        current=way[-1] if way else None,
        at=parse_time(item.get("created")),
        key=notes[0].id if notes else "",
        tags=tuple(filter(None, map(parse_title, as_list(item.get("tags"))))),
    )


def _note(said: Any) -> ImportedMessage:
    if not isinstance(said, dict):
        raise InvalidImport("One of its messages is empty.")
    above, role, status = said.get("parent"), _ROLES.get(str(said.get("role"))), str(said.get("status", "complete"))
    text = clean_text(said.get("text"))
    empty = not text and (role == "user" or status == "complete")
    return ImportedMessage(
        parse_message_id(said.get("id")),
        parse_message_id(above) if above else None,
        None if empty else role,
        text,
        parse_time(said.get("created")),
        parse_model_name(said.get("model")),
        status if status in _STATUSES else "interrupted",
    )
