"""A picture asked for in a conversation: `/picture` and words. Parsed once, refused in words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.errors import Refused
from apps.engines.image.checks import PROMPT_CHARACTERS

COMMAND = "/picture"
SHAPES = {"square": (1, 1), "wide": (3, 2), "tall": (2, 3)}
HOWS = ("", "vary", "start", "upscale", "attached")  # from nothing, or what to make of the picture `parent`
MOST = 4
_TITLE = 60  # characters
STRENGTH = 0.6  # of a start: how much is drawn anew
_COMMAND = re.compile(rf"{COMMAND}(?:\s+|$)", re.IGNORECASE)
_UNREADABLE = "The page sent something about the picture that cannot be read. Reload it and ask again."


@dataclass(frozen=True, slots=True)
class PictureAsk:
    """What is asked for besides the words."""

    count: int = 1
    shape: str = "square"
    how: str = ""
    parent: UUID | None = None  # for "attached" one of the question's own pictures
    strength: float = STRENGTH
    negative: str = ""  # what shall not be there, where the model heeds that

    def record(self) -> dict[str, Any]:
        """As it is kept with the answer; `read` makes the same of it."""
        parent = str(self.parent) if self.parent else None
        own = {"count": self.count, "shape": self.shape, "how": self.how, "parent": parent, "strength": self.strength}
        return own | ({"negative": self.negative} if self.negative else {})


def words(text: str) -> str | None:
    """What a picture shall show; None where the text asks for none."""
    found = _COMMAND.match(text)
    return text[found.end() :].strip() if found else None


def title(text: str) -> str:
    """The first words of a question or of a picture, as the name of its conversation."""
    line = " ".join((words(text) or text).split())
    if len(line) <= _TITLE:
        return line
    return line[:_TITLE].rsplit(" ", 1)[0].rstrip(",;:.") + " …"


def read(text: str, value: Any) -> PictureAsk | None:
    """The ask of a text and of what the page sent with it. Raises Refused."""
    wanted = words(text)
    if wanted is None:
        return None
    if not wanted:
        raise Refused(
            gettext("Say what the picture shall show: %(command)s a lighthouse in the evening.") % {"command": COMMAND}
        )
    if value is None:
        return PictureAsk()
    if not isinstance(value, dict):
        raise Refused(_UNREADABLE)
    count, shape, how = value.get("count", 1), value.get("shape", "square"), value.get("how", "")
    strength, negative = value.get("strength", STRENGTH), value.get("negative", "")
    known = isinstance(shape, str) and shape in SHAPES and how in HOWS
    numbers = isinstance(count, int) and isinstance(strength, int | float) and not isinstance(count, bool)
    if not isinstance(negative, str) or len(negative) > PROMPT_CHARACTERS:
        raise Refused(_UNREADABLE)
    if not known or not numbers or not 1 <= count <= MOST or not 0.05 <= strength <= 1:
        raise Refused(_UNREADABLE)
    parent = _identifier(value.get("parent"))
    if bool(how) != (parent is not None):
        raise Refused(_UNREADABLE)
    return PictureAsk(count, shape, how, parent, float(strength), negative.strip())


def _identifier(value: Any) -> UUID | None:
    try:
        return None if value is None else UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise Refused(_UNREADABLE) from None
