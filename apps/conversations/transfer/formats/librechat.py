"""Parser of LibreChat exports: `messages` as a list, or nested by `children` if the export is recursive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from apps.conversations.transfer.formats.common import (
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
)

SOURCE = "LibreChat"
_NOTHING = "00000000-0000-0000-0000-000000000000"  # parent of a first message


def matches_format(item: Mapping[str, Any]) -> bool:
    """Return whether the object is a conversation of this format."""
    return isinstance(item.get("conversationId"), str) and isinstance(_messages(item), list)


def parse_chat(item: Mapping[str, Any]) -> ImportedChat:
    """Return the conversation. Raise InvalidImport."""
    left_out: Counter[str] = Counter()
    messages = tuple(
        _parse_message(message, parent, left_out)
        for message, parent in _flat(_messages(item), item.get("recursive") is True)
    )
    first = min((message.timestamp for message in messages if message.timestamp), default=None)
    return ImportedChat(
        SOURCE,
        parse_title(item.get("title")),
        messages,
        timestamp=first,
        key=clean_text(item.get("conversationId"))[:200],
        left_out=left_out,
    )


def _messages(item: Mapping[str, Any]) -> Any:
    return item.get("messagesTree") or item.get("messages")


def _flat(messages: list[Any], nested: bool) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """Yield each message with the id of its parent; works without recursion at any depth."""
    waiting: list[tuple[Any, str | None]] = [(one, None) for one in reversed(messages)]
    while waiting:
        message, parent = waiting.pop()
        message = require_message(message)
        if not nested:
            named = message.get("parentMessageId")
            parent = parse_message_id(named) if named and named != _NOTHING else None
        yield message, parent
        name = parse_message_id(message.get("messageId"))
        waiting += [(one, name) for one in reversed(as_list(message.get("children")))] if nested else []


def _parse_message(message: Mapping[str, Any], parent: str | None, left_out: Counter[str]) -> ImportedMessage:
    asked = message.get("isCreatedByUser") is True
    left_out["picture or file"] += len(as_list(message.get("files")))
    text = clean_text(message.get("text")) or clean_text("\n\n".join(_parts(message.get("content"))))
    return ImportedMessage(
        parse_message_id(message.get("messageId")),
        parent,
        ("user" if asked else "assistant") if text else None,
        text,
        parse_time(message.get("createdAt")),
        "" if asked else parse_model_name(message.get("model")),
        "failed" if message.get("error") is True else "stopped" if message.get("unfinished") is True else "complete",
    )


def _parts(content: Any) -> Iterator[str]:
    """Yield the text parts; reasoning and tool calls are parts of other types."""
    for part in as_list(content):
        if as_mapping(part).get("type") == "text":
            text = part.get("text")
            text = as_mapping(text).get("value") if isinstance(text, dict) else text
            if isinstance(text, str):
                yield text
