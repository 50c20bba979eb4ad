"""Parser of ChatGPT exports: `conversations.json`, a list of conversations with a `mapping` of nodes.

OpenAI does not document the format; it is known from programs that read it, such as mitkury/chatgpt-export-parser and
importers of LibreChat.
"""

from __future__ import annotations

import re
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

SOURCE = "ChatGPT"
_SPOKEN = {"text", "multimodal_text", "code"}
# Citation marks of ChatGPT: private-use brackets around "cite…", and 【12†source】.
_MARKS = re.compile("\ue200[^\ue200\ue201]{0,400}\ue201|【[^】\n]{0,80}†[^】\n]{0,80}】")


def matches_format(item: Mapping[str, Any]) -> bool:
    """Return whether the object is a conversation of this format."""
    return isinstance(item.get("mapping"), dict)


def parse_chat(item: Mapping[str, Any]) -> ImportedChat:
    """Return the conversation. Raise InvalidImport."""
    left_out: Counter[str] = Counter()
    messages = []
    for name, node in item["mapping"].items():
        parent, message = require_message(node).get("parent"), as_mapping(node.get("message"))
        ids = parse_message_id(name), parse_message_id(parent) if parent else None
        messages.append(_parse_message(*ids, message, left_out))
    return ImportedChat(
        SOURCE,
        parse_title(item.get("title")),
        tuple(messages),
        current=clean_text(item.get("current_node")) or None,
        timestamp=parse_time(item.get("create_time")),
        key=clean_text(item.get("conversation_id") or item.get("id"))[:200],
        pinned=item.get("is_starred") is True,
        archived=item.get("is_archived") is True,
        left_out=left_out,
    )


def _parse_message(
    name: str, parent: str | None, message: Mapping[str, Any], left_out: Counter[str]
) -> ImportedMessage:
    content, about = as_mapping(message.get("content")), as_mapping(message.get("metadata"))
    role = ROLES.get(str(as_mapping(message.get("author")).get("role")))
    hidden = about.get("is_visually_hidden_from_conversation") is True
    to_a_tool = message.get("recipient") not in (None, "all")
    kind = str(content.get("content_type"))
    if role is None or hidden or to_a_tool or kind not in _SPOKEN:
        return ImportedMessage(name, parent, None)
    text = _text(content, left_out)
    return ImportedMessage(
        name, parent, role if text else None, text, parse_time(message.get("create_time")),
        parse_model_name(about.get("model_slug")) if role == "assistant" else "",
        "complete" if message.get("status") in (None, "finished_successfully") else "stopped",
    )  # fmt: skip


def _text(content: Mapping[str, Any], left_out: Counter[str]) -> str:
    if content.get("content_type") == "code":
        return f"```\n{code}\n```" if (code := clean_text(content.get("text"))) else ""
    parts = []
    for part in as_list(content.get("parts")):
        if isinstance(part, str):
            parts.append(part)
        elif as_mapping(part).get("content_type") == "audio_transcription":
            parts.append(str(as_mapping(part).get("text") or ""))
        elif part:
            left_out["picture or file"] += 1
    return clean_text(_MARKS.sub("", "\n\n".join(filter(None, parts))))
