"""A page of a PDF as an image, and where character spans stand on it."""

from __future__ import annotations

import base64
import io
from contextlib import closing
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from apps.documents.parsers.base import Unreadable
from apps.documents.parsers.pdf import MAX_SIDE, open_pdf, page_text

Box = tuple[float, float, float, float]
MAX_PIXELS = 12_000_000
_PAD = 0.0015  # of the page's width and height, so that a box does not cut its letters


def render_page(path: str, number: int, width: int, spans: list[list[int]]) -> dict[str, Any]:
    """PNG (base64), its size in pixels, and the boxes of `spans`: left, top, width, height in fractions of the page."""
    with closing(open_pdf(path)) as document:
        if not 1 <= number <= len(document):
            raise Unreadable(f"This PDF has no page {number}.")
        with closing(document[number - 1]) as page:
            points = page.get_size()
            if not all(0 < side <= MAX_SIDE for side in points):
                raise Unreadable("This page has an impossible size and cannot be shown.")
            scale = min(width / points[0], (MAX_PIXELS / (points[0] * points[1])) ** 0.5)
            bitmap = page.render(scale=scale, may_draw_forms=False, rev_byteorder=True)
            boxes = _boxes(page, bitmap, spans)
            file = io.BytesIO()
            image = bitmap.to_pil()
            image.save(file, "PNG", compress_level=3)
            return {
                "png": base64.b64encode(file.getvalue()).decode(),
                "width": image.width,
                "height": image.height,
                "boxes": boxes,
            }


def _boxes(page: pypdfium2.PdfPage, bitmap: pypdfium2.PdfBitmap, spans: list[list[int]]) -> list[Box]:
    place = bitmap.get_posconv(page)
    boxes: list[Box] = []
    with closing(page.get_textpage()) as textpage:
        text = page_text(textpage)
        for start, end in spans:
            first = start + sum(ord(char) > 0xFFFF for char in text[:start])
            count = sum(2 if ord(char) > 0xFFFF else 1 for char in text[start:end])
            lines: list[Box] = []
            for index in range(pdfium.FPDFText_CountRects(textpage, first, count) if count else 0):
                left, bottom, right, top = textpage.get_rect(index)
                corners = [place.to_bitmap(left, bottom), place.to_bitmap(right, top)]
                xs, ys = sorted(x / bitmap.width for x, _ in corners), sorted(y / bitmap.height for _, y in corners)
                _add(lines, (xs[0], ys[0], xs[1], ys[1]))
            boxes += lines
    return [_rounded(box) for box in boxes]


def _add(lines: list[Box], box: Box) -> None:
    """The box joins the last one where both stand on one line."""
    if lines:
        left, top, right, bottom = lines[-1]
        shared = min(bottom, box[3]) - max(top, box[1])
        if shared > 0.5 * min(bottom - top, box[3] - box[1]):
            lines[-1] = (min(left, box[0]), min(top, box[1]), max(right, box[2]), max(bottom, box[3]))
            return
    lines.append(box)


def _rounded(box: Box) -> Box:
    left, top = max(0.0, box[0] - _PAD), max(0.0, box[1] - _PAD)
    right, bottom = min(1.0, box[2] + _PAD), min(1.0, box[3] + _PAD)
    return round(left, 5), round(top, 5), round(right - left, 5), round(bottom - top, 5)
