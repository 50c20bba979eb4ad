"""What every format is read into: the messages of one conversation, and which hangs on which."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from apps.lib.text import message_templates
from apps.safety.text.normalization import normalise

Role = Literal["user", "assistant"]

MAX_MESSAGES = 10_000  # of one conversation
MAX_CHARACTERS = 4_000_000  # of one conversation
MAX_MESSAGE_CHARACTERS = 400_000
MAX_TITLE_CHARACTERS = 120  # Conversation.title
_MODEL_CHARACTERS = 100
_YEAR_2001 = 978_307_200.0


class InvalidImport(Exception):
    """This conversation cannot be taken; the message says why, in words fit for its owner."""


@dataclass(frozen=True, slots=True)
class ImportedMessage:
    """A message as the file has it. Without a role it is only what others hang on: a system text, a call of a tool."""

    id: str
    parent: str | None
    role: Role | None
    text: str = ""
    at: float | None = None  # seconds since 1970
    model: str = ""
    status: str = "complete"


@dataclass(frozen=True, slots=True)
class ImportedChat:
    source: str  # the program, as people call it
    title: str
    notes: tuple[ImportedMessage, ...]
    current: str | None = None  # the note at which its reader was
    at: float | None = None
    key: str = ""  # by which that program knows it
    pinned: bool = False
    archived: bool = False
    left: Mapping[str, int] = field(default_factory=dict)  # what the file only points at, counted


def clean_text(value: Any) -> str:
    """The text without hidden characters; empty for anything that is no text."""
    if not isinstance(value, str):
        return ""
    text = normalise(value).strip()
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise InvalidImport(
            message_templates.MESSAGE_LONG % {"count": f"{len(text):,}", "most": f"{MAX_MESSAGE_CHARACTERS:,}"}
        )
    return text


def parse_title(value: Any) -> str:
    return " ".join(normalise(value).split())[:MAX_TITLE_CHARACTERS] if isinstance(value, str) else ""


def parse_model_name(value: Any) -> str:
    return " ".join(normalise(value).split())[:_MODEL_CHARACTERS] if isinstance(value, str) else ""


def parse_message_id(value: Any) -> str:
    """Raises Broken where a message has no name that others could hang on."""
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise InvalidImport("A message of it has no id.")
    return value


def parse_time(value: Any) -> float | None:
    """Seconds since 1970 of a number (also of milliseconds or nanoseconds) or of an ISO date; None where it is none."""
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


def as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
