"""A picture asked for in a conversation: `/picture` and words. Parsed once, refused in words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.errors import RequestRefused
from apps.engines.image.validation import PROMPT_CHARACTERS

COMMAND = "/picture"
SHAPES = {"square": (1, 1), "wide": (3, 2), "tall": (2, 3)}
MODES = ("", "vary", "start", "upscale", "attached")  # from nothing, or what to make of the picture `parent`
MAX_PICTURES = 4
_TITLE = 60  # characters
DEFAULT_STRENGTH = 0.6  # of a start: how much is drawn anew
_COMMAND = re.compile(rf"{COMMAND}(?:\s+|$)", re.IGNORECASE)
_UNREADABLE = "The page sent something about the picture that cannot be read. Reload it and ask again."


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """What is asked for besides the words."""

    count: int = 1
    shape: str = "square"
    how: str = ""
    parent: UUID | None = None  # for "attached" one of the question's own pictures
    strength: float = DEFAULT_STRENGTH
    negative: str = ""  # what shall not be there, where the model heeds that

    def record(self) -> dict[str, Any]:
        """As it is kept with the answer; `read` makes the same of it."""
        parent = str(self.parent) if self.parent else None
        own = {"count": self.count, "shape": self.shape, "how": self.how, "parent": parent, "strength": self.strength}
        return own | ({"negative": self.negative} if self.negative else {})


def parse_prompt(text: str) -> str | None:
    """What a picture shall show; None where the text asks for none."""
    found = _COMMAND.match(text)
    return text[found.end() :].strip() if found else None


def make_title(text: str) -> str:
    """The first words of a question or of a picture, as the name of its conversation."""
    line = " ".join((parse_prompt(text) or text).split())
    if len(line) <= _TITLE:
        return line
    return line[:_TITLE].rsplit(" ", 1)[0].rstrip(",;:.") + " …"


def parse_picture_request(text: str, value: Any) -> PictureRequest | None:
    """The ask of a text and of what the page sent with it. Raises Refused."""
    wanted = parse_prompt(text)
    if wanted is None:
        return None
    if not wanted:
        raise RequestRefused(
            gettext("Say what the picture shall show: %(command)s a lighthouse in the evening.") % {"command": COMMAND}
        )
    if value is None:
        return PictureRequest()
    if not isinstance(value, dict):
        raise RequestRefused(_UNREADABLE)
    count, shape, how = value.get("count", 1), value.get("shape", "square"), value.get("how", "")
    strength, negative = value.get("strength", DEFAULT_STRENGTH), value.get("negative", "")
    known = isinstance(shape, str) and shape in SHAPES and how in MODES
    numbers = isinstance(count, int) and isinstance(strength, int | float) and not isinstance(count, bool)
    if not isinstance(negative, str) or len(negative) > PROMPT_CHARACTERS:
        raise RequestRefused(_UNREADABLE)
    if not known or not numbers or not 1 <= count <= MAX_PICTURES or not 0.05 <= strength <= 1:
        raise RequestRefused(_UNREADABLE)
    parent = _identifier(value.get("parent"))
    if bool(how) != (parent is not None):
        raise RequestRefused(_UNREADABLE)
    return PictureRequest(count, shape, how, parent, float(strength), negative.strip())


def _identifier(value: Any) -> UUID | None:
    try:
        return None if value is None else UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise RequestRefused(_UNREADABLE) from None
