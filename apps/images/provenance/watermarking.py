"""Add watermarks to a drawn picture before it is signed: a visible label if configured, and an invisible number.

The number is random and means something only in the rows of this site.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from apps.engines.image import watermark

if TYPE_CHECKING:
    from PIL.Image import Image

_CHOICE = 1024  # random marks to choose from; the one that changes the picture least is used
_PART = 0.035  # height of the visible label's letters, as a share of the shorter side
_LEAST = 9  # minimum height of the letters in pixels


def add_watermarks(plain: Image, *, label: bool = True) -> tuple[Image, int | None]:
    """Return a marked copy and its invisible mark; None if the picture cannot carry one.

    `label`: whether to add the visible label, which a picture made from a finished one has already.
    """
    picture = plain.convert("RGB")
    if label and settings.PICTURE_LABEL:
        _write(picture, settings.PICTURE_LABEL)
    marks = np.frombuffer(secrets.token_bytes(watermark.BITS // 8 * _CHOICE), ">u4")
    found = watermark.embed_watermark(picture, marks.tolist())
    return found or (picture, None)


def _write(picture: Image, words: str) -> None:
    """Draw the label in the lower right corner, light on dark, so that it is readable on any picture."""
    from PIL import ImageDraw, ImageFont

    size = max(_LEAST, round(min(picture.size) * _PART))
    draw, font = ImageDraw.Draw(picture, "RGBA"), ImageFont.load_default(size)
    left, top, right, bottom = draw.textbbox((0, 0), words, font=font)
    gap = size // 2
    x, y = picture.width - (right - left) - 2 * gap, picture.height - (bottom - top) - 2 * gap
    draw.rectangle((x - gap, y - gap, picture.width, picture.height), fill=(0, 0, 0, 150))
    draw.text((x - left, y - top), words, font=font, fill=(255, 255, 255, 255))
