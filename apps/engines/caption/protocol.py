"""The contract of what describes pictures for models that see none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

from apps.engines.types import EngineBroken, EngineRefused

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_CHARACTERS = 600  # of a description
MAX_SIDE = 1024  # pixels of the longer side of what a model is shown
_LARGEST = 40_000_000  # pixels of a picture


class CaptionEngine(Protocol):
    """Pictures to words. Sync, thread-safe; seconds a picture on a processor."""

    name: str  # of the model

    def caption(self, picture: bytes) -> str:
        """What a PNG or JPEG shows: plain text on one line, up to CHARACTERS, never empty. It is a model's word, and
        untrusted. Raises EngineRefused where it is no such picture or nothing is set up rightly, EngineUnavailable
        where nothing comes in time, EngineBusy, and EngineBroken for a model that cannot be loaded or says nothing."""


def open_picture(picture: bytes) -> Image:
    """RGB, within SIDE. Raises EngineRefused."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture), formats=["PNG", "JPEG"]) as file:
            if file.width * file.height > _LARGEST:
                raise EngineRefused("The picture has too many pixels to be described.")
            image = file.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise EngineRefused("What is to be described is no picture that can be read.") from error
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return image


def clean_caption(said: str) -> str:
    """As the contract has it; a sentence that was cut off at the end is left out. Raises EngineBroken."""
    words = " ".join("".join(char if char.isprintable() else " " for char in said).split())[:MAX_CHARACTERS]
    whole = max(words.rfind(sign) for sign in ".!?。")
    words = words[: whole + 1] if whole > 0 else words
    if not words:
        raise EngineBroken("The model that describes pictures said nothing.")
    return words
