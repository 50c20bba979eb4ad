"""Open WebUI: its export of chats, a list in which `chat.history.messages` is a mapping with `parentId`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from apps.conversations.transfer.formats.common import (
    Broken,
    Chat,
    Note,
    Role,
    identity,
    listed,
    mapping,
    model,
    moment,
    title,
    words,
)  # fmt: skip

SOURCE = "Open WebUI"
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_OPEN, _CLOSE = "<details type=", "</details>"


def is_one(item: Mapping[str, Any]) -> bool:
    return isinstance(mapping(item.get("chat")).get("history"), dict)


def chat(item: Mapping[str, Any]) -> Chat:
    """Raises Broken."""
    inner = item["chat"]
    history = inner["history"]
    left: Counter[str] = Counter()
    notes = []
    for name, said in mapping(history.get("messages")).items():
        if not isinstance(said, dict):
            raise Broken("A message of it is empty.")
        notes.append(_note(identity(name), said, left))
    return Chat(
        SOURCE, title(item.get("title") or inner.get("title")), tuple(notes),
        current=words(history.get("currentId")) or None, at=moment(item.get("created_at") or inner.get("timestamp")),
        key=words(item.get("id"))[:200], pinned=item.get("pinned") is True, archived=item.get("archived") is True,
        left=left,
    )  # fmt: skip


def _note(name: str, said: Mapping[str, Any], left: Counter[str]) -> Note:
    above = said.get("parentId")
    role = _ROLES.get(str(said.get("role")))
    left["picture or file"] += len(listed(said.get("files")))
    text = spoken(words(said.get("content"))) if role else ""
    return Note(
        name, identity(above) if above else None, role if text else None, text, moment(said.get("timestamp")),
        model(said.get("model")) if role == "assistant" else "",
        "failed" if said.get("error") else "stopped" if said.get("done") is False else "complete",
    )  # fmt: skip


def spoken(text: str) -> str:
    """The text without the folded parts in which thoughts and calls of tools stand."""
    kept, at = [], 0
    while (start := text.find(_OPEN, at)) >= 0 and (end := text.find(_CLOSE, start)) >= 0:
        kept.append(text[at:start])
        at = end + len(_CLOSE)
    return "".join([*kept, text[at:]]).strip()
