"""Validation of requests and pictures, shared by all picture engines, and the encoding of results."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import numpy as np

from apps.engines.types import EngineRefused
from apps.lib.text import message_templates

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling

    from apps.engines.image.protocol import DrawRequest, PictureModel

PROMPT_CHARACTERS = 2000
MIN_SIDE = 64  # least pixels of a side, unless the model's default is smaller
_START_PIXELS = 4096 * 4096
PREVIEW_SIDE = 256
_GAP = 1.0  # reducing gap of Pillow: scale up to which averaging is used before interpolation


def validate_request(request: DrawRequest, model: PictureModel) -> None:
    """Raise EngineRefused if the model cannot serve the request; the message is one sentence that says what to
    change."""
    if not request.prompt.strip():
        raise EngineRefused("Describe the picture first.")
    if len(request.prompt) > PROMPT_CHARACTERS or len(request.negative) > PROMPT_CHARACTERS:
        raise EngineRefused(message_templates.PROMPT_LONG % {"most": f"{PROMPT_CHARACTERS:,}"})
    min_side = min(MIN_SIDE, model.width, model.height)
    for side, too_large, between in (
        (request.width, message_templates.WIDTH_RANGE, message_templates.WIDTH_STEP),
        (request.height, message_templates.HEIGHT_RANGE, message_templates.HEIGHT_STEP),
    ):
        if not min_side <= side <= model.max_side:
            raise EngineRefused(too_large % {"least": min_side, "most": model.max_side})
        if side % model.multiple:
            raise EngineRefused(between % {"step": model.multiple})
    if not 1 <= request.steps <= model.max_steps:
        raise EngineRefused(message_templates.STEPS_RANGE % {"most": model.max_steps})
    if not 0 <= request.guidance <= 30:
        raise EngineRefused("The guidance must be between 0 and 30.")
    if not 0 < request.strength <= 1:
        raise EngineRefused("The strength must be above 0 and at most 1.")
    if request.scheduler and request.scheduler not in model.schedulers:
        raise EngineRefused(message_templates.NO_SCHEDULER % {"name": request.scheduler})
    if request.mask and not request.start:
        raise EngineRefused("You can change a part only of a finished picture.")
    if request.mask and not model.accepts_mask:
        raise EngineRefused("This model cannot change a part of a picture.")
    if request.start and not request.mask and not model.accepts_start:
        raise EngineRefused("This model cannot start from a picture.")


def open_start_picture(start: bytes, width: int, height: int) -> Image:
    """Return a start picture as RGB of that size, cropped about its centre. Raise EngineRefused if it cannot be
    used."""
    return fit_to_size(open_upright(start), width, height)


def open_upright(start: bytes) -> Image:
    """Return a start picture as RGB in its own size, rotated by its EXIF orientation. Raise EngineRefused if it cannot
    be used."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    bombs = Image.DecompressionBombError, Image.DecompressionBombWarning  # warnings may be errors
    try:
        with Image.open(io.BytesIO(start), formats=["PNG", "JPEG", "WEBP"]) as file:
            if file.width * file.height > _START_PIXELS or min(file.size) < 8:
                raise EngineRefused("The starting picture must have between 8 and 4096 pixels on each side.")
            return _plain(ImageOps.exif_transpose(file))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, *bombs) as error:
        raise EngineRefused("The starting picture cannot be read. Choose a PNG, JPEG or WebP file.") from error


def _plain(picture: Image) -> Image:
    """Convert to RGB: greys of 16 bits are scaled to 8, where Pillow would clip them to white; transparency is put on
    white."""
    from PIL import Image as Pillow

    if picture.mode.startswith("I"):
        return Pillow.fromarray((np.asarray(picture).clip(0, 0xFFFF) // 256).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    white = Pillow.new("RGBA", picture.size, "white")
    return Pillow.alpha_composite(white, picture.convert("RGBA")).convert("RGB")


def fit_to_size(picture: Image, width: int, height: int, how: Resampling | None = None) -> Image:
    """Return the picture in that size in pixels, cropped about its centre. `how` None resamples with Lanczos."""
    from PIL import Image, ImageOps

    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS if how is None else how)


def encode_png(picture: Image) -> bytes:
    """Return an RGB PNG without metadata."""
    rgb = picture.convert("RGB")
    rgb.info = {}  # else a colour profile or a resolution would be written
    file = io.BytesIO()
    rgb.save(file, "PNG", compress_level=1, compress_type=zlib.Z_RLE)  # a sixth of the usual time, same size
    return file.getvalue()


def encode_preview(picture: Image) -> bytes:
    """Return a JPEG whose longer side is at most PREVIEW_SIDE pixels. Smaller pictures keep their size, since browsers
    enlarge smoothly."""
    from PIL import Image

    scale = PREVIEW_SIDE / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=_GAP)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80, subsampling=2 if scale < 1 else 0)
    return file.getvalue()
