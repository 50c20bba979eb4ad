"""List what is drawn on a PDF page besides its text, in drawing order; annotations come last."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from apps.reading.parsing.pdf import annotations as pdf_annotations
from apps.reading.parsing.pdf import pdfium_calls

CLEAR = 16  # of 255; opacity up to which a colour is not visible
MOST_OBJECTS = 5_000  # of a page that are read; later ones are unknown
MOST_PIXELS = 50_000_000  # of all pictures of a page, above which it is not rendered for a comparison
WIDE = 0.5  # share of the page from which a picture counts as its scan
_DEEP = 3  # forms in forms
_SMALLEST = 16.0  # square points; smaller shapes cover no word
_OPAQUE = 250  # of 255; opacity from which a colour covers all
# Bytes per pixel by compression; a picture with fewer may be blank.
_BLANK_RATIO = {b"DCTDecode": 0.02, b"CCITTFaxDecode": 0.0005, b"JBIG2Decode": 0.0005}
_BLANK_RATIO_OTHERS = 0.015

Bounds = tuple[float, float, float, float]
Colour = tuple[int, int, int]
Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Matrix = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class PageObject:
    """Object on a page. `order` is its place in drawing order; `fill` is the colour of an opaque area, else None."""

    order: int
    bounds: Bounds
    fill: Colour | None = None
    may_cover: bool = False  # True if it may cover text below it
    is_scan: bool = False  # True for a picture of most of the page
    may_be_blank: bool = False  # True for a picture that may be blank

    def contains(self, point: tuple[float, float]) -> bool:
        """Return whether the point (x, y) lies within the bounds."""
        left, bottom, right, top = self.bounds
        return left <= point[0] <= right and bottom <= point[1] <= top

    def touches(self, box: Bounds) -> bool:
        """Return whether the bounds touch the box."""
        left, bottom, right, top = self.bounds
        return left <= box[2] and box[0] <= right and bottom <= box[3] and box[1] <= top

    def encloses(self, box: Bounds) -> bool:
        """Return whether the bounds cover all of the box."""
        left, bottom, right, top = self.bounds
        return left <= box[0] and bottom <= box[1] and box[2] <= right and box[3] <= top


class PageObjects:
    """Objects of one page. `is_complete` is True if all were read; `pixels` counts those of its pictures."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        left, bottom, right, top = page.get_bbox()
        self._scan_area = WIDE * (right - left) * (top - bottom)
        self.objects: list[PageObject] = []
        self.pixels = 0
        self._texts: dict[int, tuple[int, Matrix]] = {}  # by address: drawing order and matrix
        self._numbers = iter(range(MOST_OBJECTS))
        count = pdfium.FPDFPage_CountObjects(page)
        self._read(pdfium_calls.get_address(page.raw), count, pdfium_calls.get_page_object, _IDENTITY, 0)
        self.is_complete = next(self._numbers, None) is not None
        self.objects += [
            PageObject(MOST_OBJECTS, box, may_cover=_area(box) >= _SMALLEST)
            for box in pdf_annotations.list_covered_bounds(page)
        ]
        self.covering = [shape for shape in self.objects if shape.may_cover]

    def text(self, address: int) -> tuple[int, Bounds | None]:
        """Return drawing order and bounds of the text object at this address; last and None if it is unknown."""
        order, matrix = self._texts.get(address, (MOST_OBJECTS, None))
        return order, _bounds(address, matrix) if matrix else None

    def _read(self, parent: int, count: int, get: Any, matrix: Matrix, level: int) -> None:
        for at, order in zip(range(count), self._numbers, strict=False):
            address = get(parent, at)
            kind = pdfium_calls.get_object_type(address)
            if kind == pdfium.FPDF_PAGEOBJ_TEXT:
                self._texts[address] = order, matrix
                continue
            item = pdfium_calls.make_raw_object(address)
            bounds = _bounds(address, matrix)
            if bounds is not None:
                self.objects.append(self._shape(item, kind, order, bounds))
            if kind == pdfium.FPDF_PAGEOBJ_FORM and level < _DEEP - 1:
                object_matrix, child_count = _multiply(_matrix(item), matrix), pdfium.FPDFFormObj_CountObjects(item)
                self._read(address, child_count, pdfium_calls.get_form_object, object_matrix, level + 1)

    def _shape(self, item: Any, kind: int, order: int, bounds: Bounds) -> PageObject:
        area = _area(bounds)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            red, green, blue, alpha = _read_fill(item)
            fill = (red, green, blue) if alpha >= _OPAQUE else None
            return PageObject(order, bounds, fill, may_cover=alpha > CLEAR and area >= _SMALLEST)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            pixels = _pixels(item)
            self.pixels += pixels
            covers = area >= _SMALLEST
            scan, blank = area >= self._scan_area, _may_be_blank(item, pixels)
            return PageObject(order, bounds, may_cover=covers, is_scan=scan, may_be_blank=blank)
        return PageObject(order, bounds, may_cover=kind == pdfium.FPDF_PAGEOBJ_SHADING)


def _area(bounds: Bounds) -> float:
    return (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])


def _bounds(item: int, matrix: Matrix) -> Bounds | None:
    """Return the bounds on the page of an object whose form is drawn with this matrix."""
    bounds = pdfium_calls.get_object_bounds(item)
    if bounds is None or matrix is _IDENTITY:
        return bounds
    left, bottom, right, top = bounds
    corners = [_transform(matrix, x, y) for x in (left, right) for y in (bottom, top)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _transform(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _matrix(item: Any) -> Matrix:
    raw = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, raw)
    return raw.a, raw.b, raw.c, raw.d, raw.e, raw.f


def _multiply(first: Matrix, second: Matrix) -> Matrix:
    (a, b), (c, d) = (_transform((*second[:4], 0, 0), *pair) for pair in (first[:2], first[2:4]))
    return a, b, c, d, *_transform(second, *first[4:])


def _read_fill(path: Any) -> tuple[int, int, int, int]:
    """Return red, green, blue and opacity of a path, 0 to 255 each; opacity 0 if it is not filled."""
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    colour = [ctypes.c_uint() for _ in range(4)]
    readable = pdfium.FPDFPath_GetDrawMode(path, mode, stroke) and pdfium.FPDFPageObj_GetFillColor(path, *colour)
    red, green, blue, alpha = (value.value for value in colour)
    return (red, green, blue, alpha) if readable and mode.value else (0, 0, 0, 0)


def _pixels(image: Any) -> int:
    width, height = ctypes.c_uint(), ctypes.c_uint()
    readable = pdfium.FPDFImageObj_GetImagePixelSize(image, width, height)
    return width.value * height.value if readable else 0


def _may_be_blank(image: Any, pixels: int) -> bool:
    stored = pdfium.FPDFImageObj_GetImageDataRaw(image, None, 0)
    return bool(
        stored < pixels * max((_BLANK_RATIO.get(name, _BLANK_RATIO_OTHERS) for name in _filters(image)), default=1.0)
    )


def _filters(image: Any) -> Iterator[bytes]:
    for at in range(min(pdfium.FPDFImageObj_GetImageFilterCount(image), 8)):
        name = ctypes.create_string_buffer(64)
        pdfium.FPDFImageObj_GetImageFilter(image, at, name, len(name))
        yield name.value
