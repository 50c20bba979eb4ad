"""A part of a picture is drawn anew: the mask that says which, and the picture put together again.

White is drawn anew, black stays as it was to the last pixel.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from apps.engines.image.validation import fit_to_size, open_upright
from apps.engines.types import EngineRefused

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_MASK_BYTES = 8 * 1024 * 1024  # of a mask's file
TOO_LARGE = "The mask of the part is too large; mark the part again."
_HALF = 128  # grey level from which on a pixel of a mask counts as white
_SEAM = 1 / 256  # of the longer side: how far inside the part old and new run into each other


def read_mask(mask: bytes, start: bytes, width: int, height: int) -> Image:
    """Which pixels of a picture of that size are drawn anew: white ones of mode L, and no greys. Cropped as `opened`
    crops `start`. Raises EngineRefused for a mask that cannot be read, has another size than `start`, or is black."""
    from PIL import Image

    part = fit_to_size(_read(mask, open_upright(start).size), width, height, Image.Resampling.NEAREST)
    if part.getextrema() == (0, 0):
        raise EngineRefused("Mark first which part shall be drawn anew.")
    return part


def _read(mask: bytes, size: tuple[int, int]) -> Image:
    from PIL import Image, UnidentifiedImageError

    if len(mask) > MAX_MASK_BYTES:
        raise EngineRefused(TOO_LARGE)
    try:
        with Image.open(io.BytesIO(mask), formats=["PNG"]) as file:
            if file.size != size:
                raise EngineRefused("The mask must be as large as its picture; mark the part again.")
            shown = file.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise EngineRefused("The mask of the part cannot be read; mark the part again.") from error
    black = Image.new("RGBA", size, "black")
    return Image.alpha_composite(black, shown).convert("L").point([255 * (level >= _HALF) for level in range(256)])


def composite_region(drawn: Image, start: Image, part: Image) -> Image:
    """`drawn` where `part` is white, and `start` to the last pixel where it is black. All of one size."""
    from PIL import Image, ImageChops, ImageFilter

    soft = part.filter(ImageFilter.GaussianBlur(max(1.0, max(part.size) * _SEAM)))
    return Image.composite(drawn.convert("RGB"), start, ImageChops.darker(soft, part))


def make_region_transparent(picture: Image, part: Image) -> bytes:
    """A PNG of the picture that cannot be seen through but where `part` is white: how OpenAI's protocol marks it."""
    from PIL import ImageChops

    clear = picture.convert("RGBA")
    clear.putalpha(ImageChops.invert(part.convert("L")))
    file = io.BytesIO()
    clear.save(file, "PNG")
    return file.getvalue()
