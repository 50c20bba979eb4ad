"""A PDF page is drawn with some of its text and without it, and what both differ in is what a reader sees of it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import reduce
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops

from apps.documents.parsers.shapes import Bounds

_LONGEST = 1_400  # pixels of the longer side
_SCALE = 2.0  # pixels a point, at most
_SEEN = 20  # of 255, in one colour; what differs less is not seen


def adds(page: pypdfium2.PdfPage, objects: Sequence[Any], places: Sequence[Bounds]) -> list[bool]:
    """For each place on the page, whether these text objects show something there."""
    whole = _picture(page)
    for item in objects:
        pdfium.FPDFPageObj_SetIsActive(item, False)
    try:
        without = _picture(page)
    finally:
        for item in objects:
            pdfium.FPDFPageObj_SetIsActive(item, True)
    bands = ImageChops.difference(whole, without).split()
    both = reduce(ImageChops.lighter, bands)
    return [_most(page, both, place) >= _SEEN for place in places]


def shows(page: pypdfium2.PdfPage, places: Sequence[Bounds]) -> list[bool]:
    """For each place on the page, whether there is anything to be seen but one colour."""
    grey = _picture(page).convert("L")
    return [_range(page, grey, place) >= _SEEN for place in places]


def _picture(page: pypdfium2.PdfPage) -> Image.Image:
    scale = min(_SCALE, _LONGEST / max(page.get_size()))
    image: Image.Image = page.render(scale=scale, may_draw_forms=False, rev_byteorder=True).to_pil()
    return image.convert("RGB")


def _most(page: pypdfium2.PdfPage, picture: Image.Image, place: Bounds) -> int:
    part = _part(page, picture, place)
    return int(part.getextrema()[1]) if part else _SEEN  # type: ignore[arg-type]


def _range(page: pypdfium2.PdfPage, picture: Image.Image, place: Bounds) -> int:
    low, high = part.getextrema() if (part := _part(page, picture, place)) else (0, _SEEN)
    return int(high) - int(low)  # type: ignore[arg-type]


def _part(page: pypdfium2.PdfPage, picture: Image.Image, place: Bounds) -> Image.Image | None:
    """What the picture shows there; None where that is outside of it."""
    left, bottom, right, top = place
    corners = [_pixel(page, picture, x, y) for x, y in ((left, bottom), (right, top))]
    (x0, x1), (y0, y1) = (sorted(axis) for axis in zip(*corners, strict=True))
    box = max(0, x0), max(0, y0), min(picture.width, x1 + 1), min(picture.height, y1 + 1)
    return picture.crop(box) if box[0] < box[2] and box[1] < box[3] else None


def _pixel(page: pypdfium2.PdfPage, picture: Image.Image, x: float, y: float) -> tuple[int, int]:
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, picture.width, picture.height, 0, x, y, across, down)
    return across.value, down.value
