"""Text of a PDF page that no reader sees: without ink, in the colour of the paper, too small, beside the page, or cut
away by the shape through which it is drawn.

Text without ink above a picture is the work of text recognition, and white text above a dark shape is a heading: both
are seen, so whatever stands behind decides.
"""

from __future__ import annotations

import ctypes
import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

SMALLEST = 1.0  # points; nothing smaller is meant to be read
_WHITE = 240  # of 255, in each colour
_CLEAR = 16  # of 255
_INVISIBLE = {pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP}
_MOST_OBJECTS = 5_000
_MOST_PATHS = 20
_MOST_POINTS = 1_000
_WORD = re.compile(r"\S+")

Place = tuple[float, float]
Bounds = tuple[float, float, float, float]


def blank_unseen(text: str, page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage) -> str:
    """The text of the page with spaces for every word that no reader sees; every offset stays as it was."""
    ink = _Ink(page, textpage)
    astral = [at for at, char in enumerate(text) if ord(char) > 0xFFFF]
    parts, done = [], 0
    for word in _WORD.finditer(text):
        if not ink.seen(word.start() + bisect_left(astral, word.start())):
            parts += [text[done : word.start()], " " * len(word.group())]
            done = word.end()
    return "".join([*parts, text[done:]]) if done else text


class _Ink:
    """What is known of one page. Words of one text object share a verdict; shapes are looked at only in doubt."""

    def __init__(self, page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage) -> None:
        self._page, self._textpage = page, textpage
        self._paper: Bounds = page.get_bbox()
        self._behind: list[Bounds] | None = None
        self._colour = [ctypes.c_uint() for _ in range(4)]
        self._box, self._matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
        self._last: tuple[int | None, bool] = (None, True)

    def seen(self, index: int) -> bool:
        """Whether the word that begins with pdfium's character `index` can be seen."""
        text = pdfium.FPDFText_GetTextObject(self._textpage, index)
        object_id = ctypes.cast(text, ctypes.c_void_p).value
        if object_id is None or object_id != self._last[0]:
            self._last = (object_id, self._seen(index, text))
        return self._last[1]

    def _seen(self, index: int, text: Any) -> bool:
        pdfium.FPDFText_GetLooseCharBox(self._textpage, index, self._box)
        pdfium.FPDFText_GetMatrix(self._textpage, index, self._matrix)
        size = pdfium.FPDFText_GetFontSize(self._textpage, index) * math.hypot(self._matrix.c, self._matrix.d)
        place = ((self._box.left + self._box.right) / 2, (self._box.bottom + self._box.top) / 2)
        if size < SMALLEST or not _within(place, self._paper) or (text and _cut_away(text)):
            return False
        return self._printed(index, text) or any(_within(place, bounds) for bounds in self._shapes())

    def _printed(self, index: int, text: Any) -> bool:
        if text and pdfium.FPDFTextObj_GetTextRenderMode(text) in _INVISIBLE:
            return False
        if not pdfium.FPDFText_GetFillColor(self._textpage, index, *self._colour):
            return True
        *colours, alpha = (value.value for value in self._colour)
        return alpha > _CLEAR and min(colours) < _WHITE

    def _shapes(self) -> list[Bounds]:
        if self._behind is None:
            objects = islice(self._page.get_objects(max_depth=3), _MOST_OBJECTS)
            self._behind = [item.get_bounds() for item in objects if item.type != pdfium.FPDF_PAGEOBJ_TEXT]
        return self._behind


def _cut_away(text: Any) -> bool:
    """Whether all of a text object lies outside of the shape that it is drawn through; both have the same axes."""
    shape = pdfium.FPDFPageObj_GetClipPath(text)
    count = pdfium.FPDFClipPath_CountPaths(shape) if shape else 0
    sides = [ctypes.c_float() for _ in range(4)]
    if count <= 0 or not pdfium.FPDFPageObj_GetBounds(text, *sides):
        return False
    left, bottom, right, top = (side.value for side in sides)
    for path in range(min(count, _MOST_PATHS)):
        points = list(_points(shape, path))
        if not points:
            continue
        across, up = ([point[axis] for point in points] for axis in (0, 1))
        if min(right, max(across)) <= max(left, min(across)) or min(top, max(up)) <= max(bottom, min(up)):
            return True
    return False


def _points(shape: Any, path: int) -> Iterator[Place]:
    x, y = ctypes.c_float(), ctypes.c_float()
    for at in range(min(pdfium.FPDFClipPath_CountPathSegments(shape, path), _MOST_POINTS)):
        if pdfium.FPDFPathSegment_GetPoint(pdfium.FPDFClipPath_GetPathSegment(shape, path, at), x, y):
            yield x.value, y.value


def _within(place: Place, bounds: Bounds) -> bool:
    left, bottom, right, top = bounds
    return left <= place[0] <= right and bottom <= place[1] <= top
