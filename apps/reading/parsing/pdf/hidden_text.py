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

from apps.reading.parsing.pdf import pdfium_calls, render_diff
from apps.reading.parsing.pdf.page_objects import CLEAR, MOST_PIXELS, Bounds, Colour, PageObject, PageObjects

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

Point = tuple[float, float]


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
    bounds: Bounds


def blank_hidden_words(text: str, page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage) -> str:
    """Return the text of the page with spaces for each word that no reader sees; all offsets stay the same."""
    ink = _VisibilityChecker(page, textpage)
    astral = [at for at, char in enumerate(text) if ord(char) > 0xFFFF] if max(text, default="") > "\uffff" else []
    hidden: list[tuple[int, int]] = []
    undecided: list[_UndecidedWord] = []
    for word in _WORD.finditer(text):
        start, end = (at + bisect_left(astral, at) for at in word.span()) if astral else word.span()
        verdict = ink.verdict(start)
        if verdict is _Visibility.HIDDEN:
            hidden.append(word.span())
        elif verdict is not _Visibility.SEEN:
            undecided.append(_UndecidedWord(word.span(), verdict, ink.text, ink.bounds(start, end)))
    hidden += [word_to_hide.span for word_to_hide in _find_hidden(page, ink.shapes, undecided)] if undecided else []
    parts, done = [], 0
    for start, end in sorted(hidden):
        parts += [text[done:start], " " * (end - start)]
        done = end
    return "".join([*parts, text[done:]]) if done else text


def _find_hidden(
    page: pypdfium2.PdfPage, shapes: PageObjects, undecided: Sequence[_UndecidedWord]
) -> Iterator[_UndecidedWord]:
    """Yield the words that cannot be seen on the rendered page."""
    if shapes.pixels > MOST_PIXELS:
        yield from (word for word in undecided if word.verdict is _Visibility.IF_ADDS_ELSE_HIDDEN)
        return
    compared = [word for word in undecided if word.verdict is not _Visibility.IF_SOMETHING_SHOWS]
    if compared:
        objects = list({pdfium_calls.get_address(word.text): word.text for word in compared}.values())
        visible = render_diff.changes_pixels(page, objects, [word.bounds for word in compared])
        yield from (word for word, is_visible in zip(compared, visible, strict=True) if not is_visible)
    recognised = [word for word in undecided if word.verdict is _Visibility.IF_SOMETHING_SHOWS]
    if recognised:  # a recognised line has its exact place, its words only an approximate one: decide by line
        visible = render_diff.has_visible_pixels(page, [word.bounds for word in recognised])
        lines = {
            pdfium_calls.get_address(word.text)
            for word, is_visible in zip(recognised, visible, strict=True)
            if is_visible
        }
        yield from (word for word in recognised if pdfium_calls.get_address(word.text) not in lines)


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
        self._page_address = pdfium_calls.get_address(self._page)
        self._page_bounds: Bounds = page.get_bbox()
        self.shapes = PageObjects(page)
        self._crowded = not self.shapes.is_complete or len(self.shapes.covering) > _MANY
        self._colour = [ctypes.c_uint() for _ in range(4)]
        self._box_of, self._matrix = pdfium_calls.make_char_box_reader(self._page_address), pdfium.FS_MATRIX()
        self._styles: dict[int, _TextObjectStyle] = {}
        self._address, self._style = -1, _TextObjectStyle(None, 0, False, None, _BLACK, 255, ())

    @property
    def text(self) -> Any:
        return self._style.text

    def verdict(self, index: int) -> _Visibility:
        """Return the verdict on the word that begins with pdfium's character `index`."""
        address = pdfium_calls.get_text_object(self._page_address, index) or 0
        if address != self._address or not address:
            self._address = address
            self._style = self._styles.get(address) or self._read_style(index, address)
            if address:
                self._styles[address] = self._style
        style = self._style
        return style.verdict or self._verdict(style, self._middle(index))

    def bounds(self, start: int, end: int) -> Bounds:
        """Return the bounds of the letters of a word, of those on its first line."""
        sides = [ctypes.c_double() for _ in range(4)]
        letters: list[Bounds] = []
        for index in range(start, end):
            if pdfium.FPDFText_GetCharBox(self._page, index, *sides):
                left, right, bottom, top = (side.value for side in sides)
                if not letters or (bottom < letters[0][3] and top > letters[0][1]):
                    letters.append((left, bottom, right, top))
        sides_of_letters = list(zip(*letters, strict=True)) or [(0.0,)] * 4
        return min(sides_of_letters[0]), min(sides_of_letters[1]), max(sides_of_letters[2]), max(sides_of_letters[3])

    def _read_style(self, index: int, address: int) -> _TextObjectStyle:
        """Return the properties of a text object by one of its characters; without an address, of that character
        alone."""
        text = pdfium_calls.make_raw_object(address) if address else None
        pdfium.FPDFText_GetMatrix(self._page, index, self._matrix)
        size = pdfium.FPDFText_GetFontSize(self._page, index) * math.hypot(self._matrix.c, self._matrix.d)
        order, box = self.shapes.text(address)
        hidden = size < SMALLEST or (text is not None and _is_clipped_away(text))
        mode = pdfium.FPDFTextObj_GetTextRenderMode(text) if text else None
        style = _TextObjectStyle(
            text, order, hidden, mode, *self._fill(index), () if self._crowded else self.shapes.covering
        )
        if box:
            box = box[0] - size, box[1] - size, box[2] + size, box[3] + size
            style.covers = [shape for shape in style.covers if shape.touches(box)]
            if self._decides_all(style, box):
                style.verdict = self._verdict(style, ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
        return style

    def _decides_all(self, style: _TextObjectStyle, box: Bounds) -> bool:
        """Return whether all words in the box have the same verdict."""
        if style.hidden:
            return True
        left, bottom, right, top = self._page_bounds
        if box[0] < left or box[1] < bottom or box[2] > right or box[3] > top:
            return False
        printed_or_alone = not self.shapes.objects or (style.printed and style.mode not in _INVISIBLE)
        return printed_or_alone and all(shape.encloses(box) for shape in style.covers)

    def _middle(self, index: int) -> Point:
        left, top, right, bottom = self._box_of(index)
        return (left + right) / 2, (bottom + top) / 2

    def _verdict(self, style: _TextObjectStyle, point: Point) -> _Visibility:
        if style.hidden or not _within(point, self._page_bounds):
            return _Visibility.HIDDEN
        if style.mode in _INVISIBLE:
            return _decide_recognised([shape for shape in self.shapes.objects if shape.contains(point)])
        return self._decide_visible_ink(style, point)

    def _has_shape_at(self, point: Point) -> bool:
        return any(shape.contains(point) for shape in self.shapes.objects)

    def _fill(self, index: int) -> tuple[Colour, int]:
        """Return the fill colour and its opacity; opaque black if unknown."""
        if not pdfium.FPDFText_GetFillColor(self._page, index, *self._colour):
            return _BLACK, 255
        red, green, blue, alpha = (value.value for value in self._colour)
        return (red, green, blue), alpha

    def _decide_visible_ink(self, style: _TextObjectStyle, point: Point) -> _Visibility:
        undecided = _Visibility.IF_IT_ADDS if style.printed else _Visibility.IF_ADDS_ELSE_HIDDEN
        if self._crowded:
            return undecided
        at = bisect_left(style.covers, style.order, key=lambda shape: shape.order)
        if drawn_later := [shape for shape in islice(style.covers, at, None) if shape.contains(point)]:
            return _decide_recognised(drawn_later) if any(shape.is_scan for shape in drawn_later) else undecided
        background = next((shape for shape in reversed(style.covers[:at]) if shape.contains(point)), None)
        if background is None or background.fill is None:
            return _Visibility.SEEN if style.printed else undecided if self._has_shape_at(point) else _Visibility.HIDDEN
        same = all(abs(one - other) < _ALIKE for one, other in zip(style.colour, background.fill, strict=True))
        return undecided if (same and not style.stroked) or style.alpha <= CLEAR else _Visibility.SEEN


def _decide_recognised(shapes: Sequence[PageObject]) -> _Visibility:
    """Return the verdict on recognised text that stands for what these shapes show."""
    if not shapes:
        return _Visibility.HIDDEN
    has_picture = any(shape.may_cover and shape.fill is None and not shape.may_be_blank for shape in shapes)
    return _Visibility.SEEN if has_picture else _Visibility.IF_SOMETHING_SHOWS


def _is_clipped_away(text: Any) -> bool:
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
        xs, ys = ([point[axis] for point in points] for axis in (0, 1))
        if min(right, max(xs)) <= max(left, min(xs)) or min(top, max(ys)) <= max(bottom, min(ys)):
            return True
    return False


def _points(shape: Any, path: int) -> Iterator[Point]:
    x, y = ctypes.c_float(), ctypes.c_float()
    for at in range(min(pdfium.FPDFClipPath_CountPathSegments(shape, path), _MOST_POINTS)):
        if pdfium.FPDFPathSegment_GetPoint(pdfium.FPDFClipPath_GetPathSegment(shape, path, at), x, y):
            yield x.value, y.value


def _within(point: Point, bounds: Bounds) -> bool:
    left, bottom, right, top = bounds
    return left <= point[0] <= right and bottom <= point[1] <= top
