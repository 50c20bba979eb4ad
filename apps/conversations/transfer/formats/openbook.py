"""Openbook's own export of a conversation, as `apps/conversations/transfer/export.py` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.conversations.transfer.formats.common import (
    Broken,
    Chat,
    Note,
    Role,
    identity,
    listed,
    model,
    moment,
    title,
    words,
)

SOURCE = "Openbook"
_FORMAT = "openbook-conversation/1"
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_STATUSES = {"complete", "stopped", "withheld", "failed", "interrupted"}


def is_one(item: Mapping[str, Any]) -> bool:
    return item.get("format") == _FORMAT and isinstance(item.get("messages"), list)


def chat(item: Mapping[str, Any]) -> Chat:
    """Raises Broken."""
    notes = tuple(_note(said) for said in item["messages"])
    way = [name for name in listed(item.get("path")) if isinstance(name, str)]
    return Chat(
        SOURCE, title(item.get("title")), notes, current=way[-1] if way else None, at=moment(item.get("created")),
        key=notes[0].id if notes else "",
    )  # fmt: skip


def _note(said: Any) -> Note:
    if not isinstance(said, dict):
        raise Broken("A message of it is empty.")
    above, role, status = said.get("parent"), _ROLES.get(str(said.get("role"))), str(said.get("status", "complete"))
    text = words(said.get("text"))
    empty = not text and (role == "user" or status == "complete")
    return Note(
        identity(said.get("id")), identity(above) if above else None, None if empty else role, text,
        moment(said.get("created")), model(said.get("model")), status if status in _STATUSES else "interrupted",
    )  # fmt: skip
