"""Types into which every format is parsed, and helpers for values of the file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from apps.lib.text import message_templates
from apps.safety.text.normalization import normalise

Role = Literal["user", "assistant"]
ROLES: Mapping[str, Role] = {"user": "user", "assistant": "assistant"}

MAX_MESSAGES = 10_000  # messages of one conversation
MAX_CHARACTERS = 4_000_000  # characters of one conversation
MAX_MESSAGE_CHARACTERS = 400_000
MAX_TITLE_CHARACTERS = 120  # Conversation.title
_MODEL_CHARACTERS = 100
_YEAR_2001 = 978_307_200.0


class InvalidImport(Exception):
    """Raised for a conversation that cannot be imported; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class ImportedMessage:
    """Message of the file. Without a role, it only links others, such as a system text or a tool call."""

    id: str
    parent: str | None
    role: Role | None
    text: str = ""
    timestamp: float | None = None  # seconds since 1970
    model: str = ""
    status: str = "complete"


@dataclass(frozen=True, slots=True)
class ImportedChat:
    """Conversation of the file."""

    source: str  # name of the program
    title: str
    messages: tuple[ImportedMessage, ...]
    current: str | None = None  # id of the message at which the user was
    timestamp: float | None = None
    key: str = ""  # id of the conversation in that program
    pinned: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)  # number of parts that the file only refers to, by kind


def clean_text(value: Any) -> str:
    """Return the text without hidden characters; "" for a value that is no text.

    Raise InvalidImport if it is too long.
    """
    if not isinstance(value, str):
        return ""
    text = normalise(value).strip()
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise InvalidImport(
            message_templates.MESSAGE_LONG % {"count": f"{len(text):,}", "most": f"{MAX_MESSAGE_CHARACTERS:,}"}
        )
    return text


def parse_title(value: Any) -> str:
    """Return the title in one line, cut to 120 characters; "" for a value that is no text."""
    return " ".join(normalise(value).split())[:MAX_TITLE_CHARACTERS] if isinstance(value, str) else ""


def parse_model_name(value: Any) -> str:
    """Return the model name in one line, cut to 100 characters; "" for a value that is no text."""
    return parse_title(value)[:_MODEL_CHARACTERS]


def parse_message_id(value: Any) -> str:
    """Return the id of a message. Raise InvalidImport if it is missing or too long."""
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise InvalidImport("One of its messages has no ID.")
    return value


def parse_time(value: Any) -> float | None:
    """Return the seconds since 1970 of a number (also in milli-, micro- or nanoseconds) or an ISO date.

    None for other values, and for times before 2001.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = datetime.fromisoformat(value).timestamp() if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(seconds):
        return None
    while seconds > 1e11:
        seconds /= 1000
    return seconds if seconds > _YEAR_2001 else None


def require_message(value: Any) -> Mapping[str, Any]:
    """Return the value, which stands for a message. Raise InvalidImport if it is no dict."""
    if not isinstance(value, dict):
        raise InvalidImport("One of its messages is empty.")
    return value


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return the value if it is a dict, else {}."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value if it is a list, else []."""
    return value if isinstance(value, list) else []
