"""Parse a request for pictures in a conversation: `/picture` and a description. Pure.

Entry points: `parse_picture_request`, `parse_prompt`, `make_title`.
"""

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
MODES = ("", "vary", "start", "upscale", "attached")  # a new picture, or a way to use the picture `parent`
MAX_PICTURES = 4
_TITLE = 60  # characters
DEFAULT_STRENGTH = 0.6  # share that is drawn anew from a start picture
_COMMAND = re.compile(rf"{COMMAND}(?:\s+|$)", re.IGNORECASE)
_UNREADABLE = "The picture settings could not be read. Reload the page and ask again."


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """Options of a picture request, besides its description."""

    count: int = 1
    shape: str = "square"
    how: str = ""
    parent: UUID | None = None  # for "attached", a picture attached to the question
    strength: float = DEFAULT_STRENGTH
    negative: str = ""  # description of what to avoid, if the model supports it

    def record(self) -> dict[str, Any]:
        """Return the options as JSON values for `Message.draws`."""
        parent = str(self.parent) if self.parent else None
        own = {"count": self.count, "shape": self.shape, "how": self.how, "parent": parent, "strength": self.strength}
        return own | ({"negative": self.negative} if self.negative else {})


def parse_prompt(text: str) -> str | None:
    """Return the description of the picture; None if the text does not ask for one."""
    found = _COMMAND.match(text)
    return text[found.end() :].strip() if found else None


def make_title(text: str) -> str:
    """Return the first words of a question or picture description as a title, 60 characters at most."""
    line = " ".join((parse_prompt(text) or text).split())
    if len(line) <= _TITLE:
        return line
    return line[:_TITLE].rsplit(" ", 1)[0].rstrip(",;:.") + " …"


def parse_picture_request(text: str, value: Any) -> PictureRequest | None:
    """Return the picture request of the text and the options that the page sent; None if the text asks for none.

    Raise RequestRefused for an empty description and for invalid options.
    """
    wanted = parse_prompt(text)
    if wanted is None:
        return None
    if not wanted:
        raise RequestRefused(
            gettext("Describe the picture, for example: %(command)s a lighthouse in the evening.")
            % {"command": COMMAND}
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
