"""Parse a request for pictures in a conversation: `/picture` and a description. Pure.

Entry points: `parse_options`, `resolve_picture_request`, `parse_prompt`, `make_title`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from django.utils.translation import gettext
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from apps.conversations.errors import RequestRefused
from apps.engines.image.validation import PROMPT_CHARACTERS

COMMAND = "/picture"
SHAPES = {"square": (1, 1), "wide": (3, 2), "tall": (2, 3)}
MAX_PICTURES = 4
_TITLE = 60  # characters
DEFAULT_STRENGTH = 0.6  # share that is drawn anew from a start picture
_COMMAND = re.compile(rf"{COMMAND}(?:\s+|$)", re.IGNORECASE)
_UNREADABLE = "The picture settings could not be read. Reload the page and ask again."


@dataclass(frozen=True, slots=True)
class ChatPictureRequest:
    """Options of a picture request, besides its description."""

    count: Annotated[int, Field(strict=True, ge=1, le=MAX_PICTURES)] = 1
    shape: Literal["square", "wide", "tall"] = "square"
    how: Literal["", "vary", "start", "upscale", "attached"] = ""  # a new picture, or a way to use the picture `parent`
    parent: UUID | None = None  # for "attached", a picture attached to the question
    strength: Annotated[float, Field(strict=True, ge=0.05, le=1)] = DEFAULT_STRENGTH
    # description of what to avoid, if the model supports it
    negative: Annotated[str, StringConstraints(max_length=PROMPT_CHARACTERS, strip_whitespace=True)] = ""

    def record(self) -> dict[str, Any]:
        """Return the options as JSON values for `Message.picture_request`."""
        parent = str(self.parent) if self.parent else None
        own = {"count": self.count, "shape": self.shape, "how": self.how, "parent": parent, "strength": self.strength}
        return own | ({"negative": self.negative} if self.negative else {})


_OPTIONS: TypeAdapter[ChatPictureRequest] = TypeAdapter(ChatPictureRequest)


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


def resolve_picture_request(text: str, options: ChatPictureRequest | None) -> ChatPictureRequest | None:
    """Return the picture request of the text with its options; None if the text asks for no picture.

    Raise RequestRefused for an empty description.
    """
    wanted = parse_prompt(text)
    if wanted is None:
        return None
    if not wanted:
        raise RequestRefused(
            gettext("Describe the picture, for example: %(command)s a lighthouse in the evening.")
            % {"command": COMMAND}
        )
    return options or ChatPictureRequest()


def parse_options(value: Any) -> ChatPictureRequest:
    """Return the options that a page sent or a row holds. Raise RequestRefused if one is invalid."""
    try:
        options = _OPTIONS.validate_python(value)
    except ValidationError:
        raise RequestRefused(_UNREADABLE) from None
    if bool(options.how) != (options.parent is not None):
        raise RequestRefused(_UNREADABLE)
    return options
