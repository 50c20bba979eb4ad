"""What is drawn on a PDF page beside its text, in the order in which it is drawn; annotations come last."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from apps.documents.parsing.pdf import annotations as pdf_annotations
from apps.documents.parsing.pdf import pdfium_calls

CLEAR = 16  # of 255; a colour that covers less is not seen
MOST_OBJECTS = 5_000  # of a page; what stands behind them is not known
MOST_PIXELS = 50_000_000  # of all pictures of a page that is drawn to be looked at
WIDE = 0.5  # of the page: a picture that covers so much is a scan of it
_DEEP = 3  # forms in forms
_SMALLEST = 16.0  # square points: the place of a word, not of a line
_OPAQUE = 250  # of 255
# Bytes a pixel, by how a picture is packed; one with fewer may show nothing at all.
_BARE = {b"DCTDecode": 0.02, b"CCITTFaxDecode": 0.0005, b"JBIG2Decode": 0.0005}
_BARE_OTHERS = 0.015

Bounds = tuple[float, float, float, float]
Colour = tuple[int, int, int]
Matrix = tuple[float, float, float, float, float, float]
_AS_IT_IS: Matrix = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class PageObject:
    """`order` counts the objects of the page; `fill` is the colour of an area that lets nothing through."""

    order: int
    bounds: Bounds
    fill: Colour | None = None
    covers: bool = False  # something is drawn all over it, so that text below it may be gone
    scan: bool = False  # a picture of most of the page
    bare: bool = False  # a picture that may show nothing

    def holds(self, place: tuple[float, float]) -> bool:
        left, bottom, right, top = self.bounds
        return left <= place[0] <= right and bottom <= place[1] <= top

    def meets(self, box: Bounds) -> bool:
        left, bottom, right, top = self.bounds
        return left <= box[2] and box[0] <= right and bottom <= box[3] and box[1] <= top

    def spans(self, box: Bounds) -> bool:
        """Whether it covers all of the box."""
        left, bottom, right, top = self.bounds
        return left <= box[0] and bottom <= box[1] and box[2] <= right and box[3] <= top


class PageObjects:
    """Those of one page. `whole` says that all are known; `pixels` counts those of its pictures."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        left, bottom, right, top = page.get_bbox()
        self._enough = WIDE * (right - left) * (top - bottom)
        self.every: list[PageObject] = []
        self.pixels = 0
        self._texts: dict[int, tuple[int, Matrix]] = {}  # by address: when it is drawn, and by which matrix
        self._numbers = iter(range(MOST_OBJECTS))
        count = pdfium.FPDFPage_CountObjects(page)
        self._read(pdfium_calls.get_address(page.raw), count, pdfium_calls.get_page_object, _AS_IT_IS, 0)
        self.whole = next(self._numbers, None) is not None
        self.every += [
            PageObject(MOST_OBJECTS, box, covers=_area(box) >= _SMALLEST)
            for box in pdf_annotations.list_covered_bounds(page)
        ]
        self.covers = [shape for shape in self.every if shape.covers]

    def text(self, address: int) -> tuple[int, Bounds | None]:
        """When the text object at that address is drawn, and where; after everything, where that is not known."""
        order, matrix = self._texts.get(address, (MOST_OBJECTS, None))
        return order, _bounds(address, matrix) if matrix else None

    def _read(self, parent: int, count: int, get: Any, matrix: Matrix, level: int) -> None:
        for at, order in zip(range(count), self._numbers, strict=False):
            found = get(parent, at)
            kind = pdfium_calls.get_object_type(found)
            if kind == pdfium.FPDF_PAGEOBJ_TEXT:
                self._texts[found] = order, matrix
                continue
            item = pdfium_calls.make_raw_object(found)
            bounds = _bounds(found, matrix)
            if bounds is not None:
                self.every.append(self._shape(item, kind, order, bounds))
            if kind == pdfium.FPDF_PAGEOBJ_FORM and level < _DEEP - 1:
                own, inner = _times(_matrix(item), matrix), pdfium.FPDFFormObj_CountObjects(item)
                self._read(found, inner, pdfium_calls.get_form_object, own, level + 1)

    def _shape(self, item: Any, kind: int, order: int, bounds: Bounds) -> PageObject:
        area = _area(bounds)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            red, green, blue, alpha = _filled(item)
            fill = (red, green, blue) if alpha >= _OPAQUE else None
            return PageObject(order, bounds, fill, covers=alpha > CLEAR and area >= _SMALLEST)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            pixels = _pixels(item)
            self.pixels += pixels
            covers = area >= _SMALLEST
            return PageObject(order, bounds, covers=covers, scan=area >= self._enough, bare=_is_bare(item, pixels))
        return PageObject(order, bounds, covers=kind == pdfium.FPDF_PAGEOBJ_SHADING)


def _area(bounds: Bounds) -> float:
    return (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])


def _bounds(item: int, matrix: Matrix) -> Bounds | None:
    """On the page, of an object whose form is drawn by that matrix."""
    own = pdfium_calls.get_object_bounds(item)
    if own is None or matrix is _AS_IT_IS:
        return own
    left, bottom, right, top = own
    corners = [_moved(matrix, x, y) for x in (left, right) for y in (bottom, top)]
    across, up = [x for x, _ in corners], [y for _, y in corners]
    return min(across), min(up), max(across), max(up)


def _moved(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _matrix(item: Any) -> Matrix:
    found = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, found)
    return found.a, found.b, found.c, found.d, found.e, found.f


def _times(first: Matrix, then: Matrix) -> Matrix:
    (a, b), (c, d) = (_moved((*then[:4], 0, 0), *pair) for pair in (first[:2], first[2:4]))
    return a, b, c, d, *_moved(then, *first[4:])


def _filled(path: Any) -> tuple[int, int, int, int]:
    """Red, green, blue and how much it covers, of 255; 0 where it is not filled."""
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    colour = [ctypes.c_uint() for _ in range(4)]
    known = pdfium.FPDFPath_GetDrawMode(path, mode, stroke) and pdfium.FPDFPageObj_GetFillColor(path, *colour)
    red, green, blue, alpha = (value.value for value in colour)
    return (red, green, blue, alpha) if known and mode.value else (0, 0, 0, 0)


def _pixels(image: Any) -> int:
    width, height = ctypes.c_uint(), ctypes.c_uint()
    known = pdfium.FPDFImageObj_GetImagePixelSize(image, width, height)
    return width.value * height.value if known else 0


def _is_bare(image: Any, pixels: int) -> bool:
    stored = pdfium.FPDFImageObj_GetImageDataRaw(image, None, 0)
    return bool(stored < pixels * max((_BARE.get(name, _BARE_OTHERS) for name in _filters(image)), default=1.0))


def _filters(image: Any) -> Iterator[bytes]:
    for at in range(min(pdfium.FPDFImageObj_GetImageFilterCount(image), 8)):
        name = ctypes.create_string_buffer(64)
        pdfium.FPDFImageObj_GetImageFilter(image, at, name, len(name))
        yield name.value
