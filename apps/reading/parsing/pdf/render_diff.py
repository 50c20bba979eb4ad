"""Decide by rendering whether text is visible: render a PDF page with and without it, and compare the pixels.

Only the part of the page that holds the places in question is rendered.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops

from apps.reading.parsing.pdf.page_objects import Bounds

_LONGEST = 1_400  # pixels of the longer side
_SCALE = 2.0  # pixels per point, at most
_VISIBLE_DIFFERENCE = 20  # of 255, in one colour; smaller differences are not visible

PixelBox = tuple[int, int, int, int]  # left, top, right, bottom, pixels


def changes_pixels(page: pypdfium2.PdfPage, objects: Sequence[Any], bounds: Sequence[Bounds]) -> list[bool]:
    """Return for each place (left, bottom, right, top in points) whether the text objects show anything there.

    True for a place off the page.
    """
    view = _View.covering(page, bounds)
    with_text = view.render()
    for item in objects:
        pdfium.FPDFPageObj_SetIsActive(item, False)
    try:
        without_text = view.render()
    finally:
        for item in objects:
            pdfium.FPDFPageObj_SetIsActive(item, True)
    difference = reduce(ImageChops.lighter, ImageChops.difference(with_text, without_text).split())
    return [_extremes(difference, box)[1] >= _VISIBLE_DIFFERENCE if box else True for box in view.boxes]


def has_visible_pixels(page: pypdfium2.PdfPage, bounds: Sequence[Bounds]) -> list[bool]:
    """Return for each place whether the page shows more than one colour there; True for a place off the page."""
    view = _View.covering(page, bounds)
    grey = view.render().convert("L")
    spans = [_extremes(grey, box) if box else (0, _VISIBLE_DIFFERENCE) for box in view.boxes]
    return [high - low >= _VISIBLE_DIFFERENCE for low, high in spans]


def _extremes(picture: Image.Image, box: PixelBox) -> tuple[int, int]:
    low, high = picture.crop(box).getextrema()
    return int(low), int(high)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _View:
    """Part of a page that holds all places, on a `canvas` of the whole page in pixels.

    `boxes` are the places within the part; None for one off the page.
    """

    page: pypdfium2.PdfPage
    canvas: tuple[int, int]
    part: PixelBox
    boxes: Sequence[PixelBox | None]

    @classmethod
    def covering(cls, page: pypdfium2.PdfPage, bounds: Sequence[Bounds]) -> _View:
        width, height = page.get_size()
        scale = min(_SCALE, _LONGEST / max(width, height))
        canvas = math.ceil(width * scale), math.ceil(height * scale)
        boxes = [_box(page, canvas, one) for one in bounds]
        sides = list(zip(*filter(None, boxes), strict=True)) or [(0,), (0,), (1,), (1,)]
        left, top, right, bottom = min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3])
        boxes_in_part = [(b[0] - left, b[1] - top, b[2] - left, b[3] - top) if b else None for b in boxes]
        return cls(page, canvas, (left, top, right, bottom), boxes_in_part)

    def render(self) -> Image.Image:
        left, top, right, bottom = self.part
        bitmap = pypdfium2.PdfBitmap.new_native(right - left, bottom - top, pdfium.FPDFBitmap_BGR)
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, right - left, bottom - top)
        pdfium.FPDF_RenderPageBitmap(bitmap, self.page, -left, -top, *self.canvas, 0, pdfium.FPDF_ANNOT)
        image: Image.Image = bitmap.to_pil()
        return image


def _box(page: pypdfium2.PdfPage, canvas: tuple[int, int], bounds: Bounds) -> PixelBox | None:
    left, bottom, right, top = bounds
    corners = [_pixel(page, canvas, x, y) for x, y in ((left, bottom), (right, top))]
    (x0, x1), (y0, y1) = (sorted(axis) for axis in zip(*corners, strict=True))
    box = max(0, x0), max(0, y0), min(canvas[0], x1 + 1), min(canvas[1], y1 + 1)
    return box if box[0] < box[2] and box[1] < box[3] else None


def _pixel(page: pypdfium2.PdfPage, canvas: tuple[int, int], x: float, y: float) -> tuple[int, int]:
    x_pixel, y_pixel = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, *canvas, 0, x, y, x_pixel, y_pixel)
    return x_pixel.value, y_pixel.value
