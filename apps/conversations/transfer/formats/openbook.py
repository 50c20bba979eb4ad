"""Parser of Openbook's own exports, as `apps/conversations/transfer/export.py` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.conversations.transfer.formats.common import (
    ROLES,
    ImportedChat,
    ImportedMessage,
    as_list,
    clean_text,
    parse_message_id,
    parse_model_name,
    parse_time,
    parse_title,
    require_message,
)

SOURCE = "Openbook"
_FORMAT = "openbook-conversation/1"
_STATUSES = {"complete", "stopped", "withheld", "failed", "interrupted"}


def matches_format(item: Mapping[str, Any]) -> bool:
    """Return whether the object is a conversation of this format."""
    return item.get("format") == _FORMAT and isinstance(item.get("messages"), list)


def parse_chat(item: Mapping[str, Any]) -> ImportedChat:
    """Return the conversation. Raise InvalidImport."""
    messages = tuple(_parse_message(message) for message in item["messages"])
    path = [name for name in as_list(item.get("path")) if isinstance(name, str)]
    return ImportedChat(
        SOURCE,
        parse_title(item.get("title")),
        messages,
        current=path[-1] if path else None,
        timestamp=parse_time(item.get("created")),
        key=messages[0].id if messages else "",
        tags=tuple(filter(None, map(parse_title, as_list(item.get("tags"))))),
    )


def _parse_message(message: Any) -> ImportedMessage:
    message = require_message(message)
    parent, role = message.get("parent"), ROLES.get(str(message.get("role")))
    status = str(message.get("status", "complete"))
    text = clean_text(message.get("text"))
    empty = not text and (role == "user" or status == "complete")
    return ImportedMessage(
        parse_message_id(message.get("id")),
        parse_message_id(parent) if parent else None,
        None if empty else role,
        text,
        parse_time(message.get("created")),
        parse_model_name(message.get("model")),
        status if status in _STATUSES else "interrupted",
    )
