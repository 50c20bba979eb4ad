"""Contract of caption engines, which describe pictures for models without vision."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

from apps.engines.types import EngineBroken, EngineRefused

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_CHARACTERS = 600  # of a caption
MAX_SIDE = 1024  # pixels of the longer side of the picture that the model gets
_LARGEST = 40_000_000  # pixels of a picture


class CaptionEngine(Protocol):
    """Caption engine. Sync, thread-safe; takes seconds per picture on a CPU."""

    name: str  # of the model

    def caption(self, picture: bytes) -> str:
        """Return what a PNG or JPEG shows: plain text on one line, up to MAX_CHARACTERS, never empty. The text comes
        from a model and is untrusted.

        Raise EngineRefused if the bytes are no such picture or the settings are wrong, EngineUnavailable on a timeout,
        and EngineBusy. Raise EngineBroken for a model that cannot be loaded or returns nothing.
        """


def open_picture(picture: bytes) -> Image:
    """Return a PNG or JPEG as RGB, scaled down to fit MAX_SIDE pixels. Raise EngineRefused for anything else and for
    pictures above 40 million pixels."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture), formats=["PNG", "JPEG"]) as file:
            if file.width * file.height > _LARGEST:
                raise EngineRefused("The picture has too many pixels to be described.")
            image = file.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise EngineRefused("The file to describe is not a readable picture.") from error
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return image


def clean_caption(caption: str) -> str:
    """Return the model's text as the contract wants it: one line of printable characters, up to MAX_CHARACTERS, without
    a last sentence that was cut off. Raise EngineBroken if nothing is left."""
    words = " ".join("".join(char if char.isprintable() else " " for char in caption).split())[:MAX_CHARACTERS]
    whole = max(words.rfind(sign) for sign in ".!?。")
    words = words[: whole + 1] if whole > 0 else words
    if not words:
        raise EngineBroken("The model that describes pictures returned no text.")
    return words


CAPTION_PROMPT = (
    "Describe this picture in two or three plain sentences for somebody who cannot see it: what it shows, and what "
    "stands out. Do not copy out its text."
)
