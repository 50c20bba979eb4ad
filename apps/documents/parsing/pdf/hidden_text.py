"""Detect text of a PDF page that no reader sees.

Such text has no ink, its background's colour or a tiny size, or is off the page, clipped away, or covered by what is
drawn later. The file's own values decide most cases. With a shape behind or in front, the page is rendered
(`render_diff.py`): white text on a dark picture is a heading. Invisible text above a picture, and text below the
picture of a whole page, come from text recognition and stand for what the picture shows. `blank_hidden_words` is the
entry point.
"""

from __future__ import annotations

import ctypes
import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from apps.documents.parsing.pdf import pdfium_calls, render_diff
from apps.documents.parsing.pdf.page_objects import CLEAR, MOST_PIXELS, Bounds, Colour, PageObject, PageObjects

SMALLEST = 1.0  # points; smaller text is not meant to be read
_WHITE = 240  # of 255, in each colour, from which a colour counts as white
_ALIKE = 16  # of 255, in each colour, below which two colours count as the same
_INVISIBLE = {pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP}
_STROKED = {
    pdfium.FPDF_TEXTRENDERMODE_STROKE, pdfium.FPDF_TEXTRENDERMODE_FILL_STROKE,
    pdfium.FPDF_TEXTRENDERMODE_STROKE_CLIP, pdfium.FPDF_TEXTRENDERMODE_FILL_STROKE_CLIP,
}  # fmt: skip
_MANY = 300  # shapes above which the page is rendered, rather than each compared with each word
_MOST_PATHS = 20  # of a clipping path
_MOST_POINTS = 1_000  # of a path
_WORD = re.compile(r"\S+")
_BLACK = (0, 0, 0)

Place = tuple[float, float]


class _Visibility(Enum):
    """Verdict on a word; the last three need the page to be rendered."""

    SEEN = 1
    HIDDEN = 2
    IF_IT_ADDS = 3  # visible if the page looks different without it
    IF_ADDS_ELSE_HIDDEN = 4  # as IF_IT_ADDS; hidden if the page cannot be rendered
    IF_SOMETHING_SHOWS = 5  # visible if the page shows anything at its place


@dataclass(slots=True)
class _UndecidedWord:
    """Word that only the rendered page can decide."""

    span: tuple[int, int]
    verdict: _Visibility
    text: Any  # the text object
    place: Bounds


def blank_hidden_words(text: str, page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage) -> str:
    """Return the text of the page with spaces for each word that no reader sees; all offsets stay the same."""
    ink = _VisibilityChecker(page, textpage)
    astral = [at for at, char in enumerate(text) if ord(char) > 0xFFFF] if max(text, default="") > "\uffff" else []
    hidden: list[tuple[int, int]] = []
    doubts: list[_UndecidedWord] = []
    for word in _WORD.finditer(text):
        start, end = (at + bisect_left(astral, at) for at in word.span()) if astral else word.span()
        verdict = ink.verdict(start)
        if verdict is _Visibility.HIDDEN:
            hidden.append(word.span())
        elif verdict is not _Visibility.SEEN:
            doubts.append(_UndecidedWord(word.span(), verdict, ink.text, ink.place(start, end)))
    hidden += [doubt.span for doubt in _find_hidden(page, ink.shapes, doubts)] if doubts else []
    parts, done = [], 0
    for start, end in sorted(hidden):
        parts += [text[done:start], " " * (end - start)]
        done = end
    return "".join([*parts, text[done:]]) if done else text


def _find_hidden(
    page: pypdfium2.PdfPage, shapes: PageObjects, doubts: Sequence[_UndecidedWord]
) -> Iterator[_UndecidedWord]:
    """Yield the words that cannot be seen on the rendered page."""
    if shapes.pixels > MOST_PIXELS:
        yield from (doubt for doubt in doubts if doubt.verdict is _Visibility.IF_ADDS_ELSE_HIDDEN)
        return
    compared = [doubt for doubt in doubts if doubt.verdict is not _Visibility.IF_SOMETHING_SHOWS]
    if compared:
        objects = list({pdfium_calls.get_address(doubt.text): doubt.text for doubt in compared}.values())
        found = render_diff.changes_pixels(page, objects, [doubt.place for doubt in compared])
        yield from (doubt for doubt, seen in zip(compared, found, strict=True) if not seen)
    traced = [doubt for doubt in doubts if doubt.verdict is _Visibility.IF_SOMETHING_SHOWS]
    if traced:  # a recognised line has its exact place, its words only an approximate one: decide by line
        found = render_diff.has_visible_pixels(page, [doubt.place for doubt in traced])
        lines = {pdfium_calls.get_address(doubt.text) for doubt, seen in zip(traced, found, strict=True) if seen}
        yield from (doubt for doubt in traced if pdfium_calls.get_address(doubt.text) not in lines)


@dataclass(slots=True)
class _TextObjectStyle:
    """Properties that the words of one text object share; for most objects they decide all words."""

    text: Any
    order: int
    hidden: bool
    mode: int | None
    colour: Colour
    alpha: int  # opacity, of 255
    covers: Sequence[PageObject]  # objects that its words may stand on or below
    verdict: _Visibility | None = None  # of all its words; None: to be decided per word

    @property
    def stroked(self) -> bool:
        return self.mode in _STROKED

    @property
    def printed(self) -> bool:
        return self.stroked or (self.alpha > CLEAR and min(self.colour) < _WHITE)


class _VisibilityChecker:
    """Checker of one page. `text` is the text object of the word that was checked last."""

    def __init__(self, page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage) -> None:
        self._page = textpage.raw
        self._at = pdfium_calls.get_address(self._page)
        self._paper: Bounds = page.get_bbox()
        self.shapes = PageObjects(page)
        self._crowded = not self.shapes.whole or len(self.shapes.covers) > _MANY
        self._colour = [ctypes.c_uint() for _ in range(4)]
        self._box_of, self._matrix = pdfium_calls.make_char_box_reader(self._at), pdfium.FS_MATRIX()
        self._looks: dict[int, _TextObjectStyle] = {}
        self._address, self._look = -1, _TextObjectStyle(None, 0, False, None, _BLACK, 255, ())

    @property
    def text(self) -> Any:
        return self._look.text

    def verdict(self, index: int) -> _Visibility:
        """Return the verdict on the word that begins with pdfium's character `index`."""
        address = pdfium_calls.get_text_object(self._at, index) or 0
        if address != self._address or not address:
            self._address = address
            self._look = self._looks.get(address) or self._made(index, address)
            if address:
                self._looks[address] = self._look
        look = self._look
        return look.verdict or self._verdict(look, self._middle(index))

    def place(self, start: int, end: int) -> Bounds:
        """Return the bounds of the letters of a word, of those on its first line."""
        sides = [ctypes.c_double() for _ in range(4)]
        found: list[Bounds] = []
        for index in range(start, end):
            if pdfium.FPDFText_GetCharBox(self._page, index, *sides):
                left, right, bottom, top = (side.value for side in sides)
                if not found or (bottom < found[0][3] and top > found[0][1]):
                    found.append((left, bottom, right, top))
        every = list(zip(*found, strict=True)) or [(0.0,)] * 4
        return min(every[0]), min(every[1]), max(every[2]), max(every[3])

    def _made(self, index: int, address: int) -> _TextObjectStyle:
        """Return the properties of a text object by one of its characters; without an address, of that character
        alone."""
        text = pdfium_calls.make_raw_object(address) if address else None
        pdfium.FPDFText_GetMatrix(self._page, index, self._matrix)
        size = pdfium.FPDFText_GetFontSize(self._page, index) * math.hypot(self._matrix.c, self._matrix.d)
        order, box = self.shapes.text(address)
        hidden = size < SMALLEST or (text is not None and _cut_away(text))
        mode = pdfium.FPDFTextObj_GetTextRenderMode(text) if text else None
        look = _TextObjectStyle(
            text, order, hidden, mode, *self._fill(index), () if self._crowded else self.shapes.covers
        )
        if box:
            box = box[0] - size, box[1] - size, box[2] + size, box[3] + size
            look.covers = [shape for shape in look.covers if shape.meets(box)]
            if self._is_one(look, box):
                look.verdict = self._verdict(look, ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
        return look

    def _is_one(self, look: _TextObjectStyle, box: Bounds) -> bool:
        """Return whether all words in the box have the same verdict."""
        if look.hidden:
            return True
        left, bottom, right, top = self._paper
        if box[0] < left or box[1] < bottom or box[2] > right or box[3] > top:
            return False
        told = not self.shapes.every or (look.printed and look.mode not in _INVISIBLE)
        return told and all(shape.spans(box) for shape in look.covers)

    def _middle(self, index: int) -> Place:
        left, top, right, bottom = self._box_of(index)
        return (left + right) / 2, (bottom + top) / 2

    def _verdict(self, look: _TextObjectStyle, place: Place) -> _Visibility:
        if look.hidden or not _within(place, self._paper):
            return _Visibility.HIDDEN
        if look.mode in _INVISIBLE:
            return _recognised([shape for shape in self.shapes.every if shape.holds(place)])
        return self._inked(look, place)

    def _shape_at(self, place: Place) -> bool:
        return any(shape.holds(place) for shape in self.shapes.every)

    def _fill(self, index: int) -> tuple[Colour, int]:
        """Return the fill colour and its opacity; opaque black if unknown."""
        if not pdfium.FPDFText_GetFillColor(self._page, index, *self._colour):
            return _BLACK, 255
        red, green, blue, alpha = (value.value for value in self._colour)
        return (red, green, blue), alpha

    def _inked(self, look: _TextObjectStyle, place: Place) -> _Visibility:
        doubt = _Visibility.IF_IT_ADDS if look.printed else _Visibility.IF_ADDS_ELSE_HIDDEN
        if self._crowded:
            return doubt
        at = bisect_left(look.covers, look.order, key=lambda shape: shape.order)
        if later := [shape for shape in islice(look.covers, at, None) if shape.holds(place)]:
            return _recognised(later) if any(shape.scan for shape in later) else doubt
        ground = next((shape for shape in reversed(look.covers[:at]) if shape.holds(place)), None)
        if ground is None or ground.fill is None:
            return _Visibility.SEEN if look.printed else doubt if self._shape_at(place) else _Visibility.HIDDEN
        same = all(abs(one - other) < _ALIKE for one, other in zip(look.colour, ground.fill, strict=True))
        return doubt if (same and not look.stroked) or look.alpha <= CLEAR else _Visibility.SEEN


def _recognised(shapes: Sequence[PageObject]) -> _Visibility:
    """Return the verdict on recognised text that stands for what these shapes show."""
    if not shapes:
        return _Visibility.HIDDEN
    real = any(shape.covers and shape.fill is None and not shape.bare for shape in shapes)
    return _Visibility.SEEN if real else _Visibility.IF_SOMETHING_SHOWS


def _cut_away(text: Any) -> bool:
    """Return whether a text object lies outside its clipping path. Both are in the same coordinates."""
    shape = pdfium.FPDFPageObj_GetClipPath(text)
    count = pdfium.FPDFClipPath_CountPaths(shape) if shape else 0
    if count <= 0:
        return False
    sides = [ctypes.c_float() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetBounds(text, *sides):
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
