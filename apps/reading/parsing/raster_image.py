"""Parser of pictures: a scanned page per frame, without text. `ocr/recognizer.py` recognises the text afterwards."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pi_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from apps.lib.text import message_templates
from apps.reading.parsing.protocol import PageCount, ParsedItem, ParsedPage, ParseError, ParseLimits, ParseNotice

MAX_PIXELS = 50_000_000  # of one frame
MAX_FRAMES = 200
_POINTS = 842.0  # assigned length of the longer side, that of an A4 page
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "HEIF", "AVIF")
_ONE = {"PNG", "GIF", "WEBP", "HEIF", "AVIF"}  # further frames are an animation, or the same picture again

pi_heif.options.DECODE_THREADS = 1  # the sandbox forbids further threads
pi_heif.register_heif_opener()

DAMAGED = "This picture is damaged or was cut off during a transfer. Open it, save it again and upload that."
TOO_LARGE = message_templates.PIXELS % {"most": MAX_PIXELS // 1_000_000}


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield the pages of a picture, and a notice for frames left out. Raises ParseError."""
    with open_image(path) as picture:
        count = 1 if picture.format in _ONE else min(getattr(picture, "n_frames", 1), MAX_FRAMES)
        yield PageCount(count)
        for number in range(1, count + 1):
            picture.seek(number - 1)
            _check(picture)
            longer = max(picture.size)
            width, height = (_POINTS * side / longer for side in picture.size)
            yield ParsedPage(number, "", (), width, height, scan=True)
        if getattr(picture, "n_frames", 1) > count:
            yield ParseNotice(
                "Only the first picture in it was read."
                if count == 1
                else message_templates.PICTURES_LEFT % {"count": count}
            )


@contextmanager
def open_image(path: str) -> Iterator[Image.Image]:
    """Open the picture without decoding it. Errors while it is decoded are raised as ParseError, too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            Image.MAX_IMAGE_PIXELS = MAX_PIXELS
            with Image.open(path, formats=_FORMATS) as picture:
                yield picture
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ParseError(TOO_LARGE) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise ParseError(DAMAGED) from error


def read_frame(path: str, number: int, longest: int) -> Image.Image:
    """Return a frame, from 1, as upright RGB on white, its longer side at most `longest` pixels. Raises ParseError."""
    with open_image(path) as picture:
        picture.seek(number - 1)
        _check(picture)
        picture.draft("RGB", (longest, longest))
        upright = ImageOps.exif_transpose(picture)
        if upright.mode in {"I;16", "I", "F"}:
            upright = ImageOps.autocontrast(upright.point(lambda value: value / 257).convert("L"))
        if "transparency" in upright.info or upright.mode in {"RGBA", "LA", "PA"}:
            rgba = upright.convert("RGBA")
            upright = Image.new("RGB", rgba.size, "white")
            upright.paste(rgba, mask=rgba.getchannel("A"))
        upright = upright.convert("RGB")
        upright.thumbnail((longest, longest))
        return upright


def render_frame(path: str, number: int, width: int, max_pixels: int) -> Image.Image:
    """Return a frame, from 1, for display: at most `width` pixels wide and `max_pixels` pixels in all. Raises
    ParseError."""
    with open_image(path) as picture:
        picture.seek(number - 1)
        _check(picture)
        turned = picture.getexif().get(0x0112, 1) in {5, 6, 7, 8}
        size = picture.size[::-1] if turned else picture.size
    scale = min(1.0, width / size[0], (max_pixels / (size[0] * size[1])) ** 0.5)
    return read_frame(path, number, max(1, round(max(size) * scale)))


def _check(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise ParseError(TOO_LARGE)
