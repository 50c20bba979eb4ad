"""What is done to a picture that was drawn, before it is signed: the visible mark that the policy asks for, and an
invisible one whose bits mean nothing outside of this site's rows."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from apps.engines.image import watermark

if TYPE_CHECKING:
    from PIL.Image import Image

_CHOICE = 1024  # marks of which the one is taken that changes the picture least
_PART = 0.035  # of the shorter side: the height of the visible mark's letters
_LEAST = 9  # pixels


def add_watermarks(plain: Image, *, label: bool = True) -> tuple[Image, int | None]:
    """A copy with its marks, and the invisible one; None where this picture cannot carry it. `label`: whether it may
    get the visible mark, which what is made from a finished picture has already."""
    picture = plain.convert("RGB")
    if label and settings.PICTURE_LABEL:
        _write(picture, settings.PICTURE_LABEL)
    marks = np.frombuffer(secrets.token_bytes(watermark.BITS // 8 * _CHOICE), ">u4")
    found = watermark.embed_watermark(picture, marks.tolist())
    return found or (picture, None)


def _write(picture: Image, words: str) -> None:
    """In the lower right corner, light on dark, so that it can be read on anything."""
    from PIL import ImageDraw, ImageFont

    size = max(_LEAST, round(min(picture.size) * _PART))
    draw, font = ImageDraw.Draw(picture, "RGBA"), ImageFont.load_default(size)
    left, top, right, bottom = draw.textbbox((0, 0), words, font=font)
    gap = size // 2
    x, y = picture.width - (right - left) - 2 * gap, picture.height - (bottom - top) - 2 * gap
    draw.rectangle((x - gap, y - gap, picture.width, picture.height), fill=(0, 0, 0, 150))
    draw.text((x - left, y - top), words, font=font, fill=(255, 255, 255, 255))
