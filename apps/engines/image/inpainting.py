"""Inpainting: reading the mask of the region to draw anew, and composing the result.

White pixels of a mask are drawn anew; black ones keep the original pixel exactly.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from apps.engines.image.validation import fit_to_size, open_upright
from apps.engines.types import EngineRefused

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_MASK_BYTES = 8 * 1024 * 1024  # of a mask's file
TOO_LARGE = "The mask is too large. Mark the part again."
_HALF = 128  # grey level from which a mask pixel counts as white
_SEAM = 1 / 256  # of the longer side: width of the blend inside the region


def read_mask(mask: bytes, start: bytes, width: int, height: int) -> Image:
    """Return the mask for a picture of that size as mode L with only black and white, cropped as `open_start_picture`
    crops `start`. Raise EngineRefused for a mask that is unreadable, too large, all black, or of another size than
    `start`."""
    from PIL import Image

    part = fit_to_size(_read_mask(mask, open_upright(start).size), width, height, Image.Resampling.NEAREST)
    if part.getextrema() == (0, 0):
        raise EngineRefused("Mark the part to change first.")
    return part


def _read_mask(mask: bytes, size: tuple[int, int]) -> Image:
    """Return the PNG mask in black and white. Raise EngineRefused if it is unreadable or not of the size (width,
    height)."""
    from PIL import Image, UnidentifiedImageError

    if len(mask) > MAX_MASK_BYTES:
        raise EngineRefused(TOO_LARGE)
    try:
        with Image.open(io.BytesIO(mask), formats=["PNG"]) as file:
            if file.size != size:
                raise EngineRefused("The mask must have the same size as the picture. Mark the part again.")
            picture = file.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise EngineRefused("The mask cannot be read. Mark the part again.") from error
    black = Image.new("RGBA", size, "black")
    return Image.alpha_composite(black, picture).convert("L").point([255 * (level >= _HALF) for level in range(256)])


def composite_region(drawn: Image, start: Image, part: Image) -> Image:
    """Return `drawn` where `part` is white, blended at the edge, and exactly `start` where `part` is black. All have
    the same size."""
    from PIL import Image, ImageChops, ImageFilter

    soft = part.filter(ImageFilter.GaussianBlur(max(1.0, max(part.size) * _SEAM)))
    return Image.composite(drawn.convert("RGB"), start, ImageChops.darker(soft, part))


def make_region_transparent(picture: Image, part: Image) -> bytes:
    """Return a PNG of the picture that is transparent where `part` is white, as the OpenAI protocol marks the
    region."""
    from PIL import ImageChops

    clear = picture.convert("RGBA")
    clear.putalpha(ImageChops.invert(part.convert("L")))
    file = io.BytesIO()
    clear.save(file, "PNG")
    return file.getvalue()
