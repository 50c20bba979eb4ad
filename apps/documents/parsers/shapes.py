"""What is drawn on a PDF page beside its text, in the order in which it is drawn."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

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


@dataclass(frozen=True, slots=True)
class Shape:
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


class Shapes:
    """Those of one page. `whole` says that all are known; `pixels` counts those of its pictures."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        left, bottom, right, top = page.get_bbox()
        self._enough = WIDE * (right - left) * (top - bottom)
        self.every: list[Shape] = []
        self.pixels = 0
        self._orders: dict[int, int] = {}  # of text objects, by their address
        self._numbers = iter(range(MOST_OBJECTS))
        self._read(page, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, (1, 0, 0, 1, 0, 0), 0)
        self.whole = next(self._numbers, None) is not None
        self.covers = [shape for shape in self.every if shape.covers]

    def order(self, text: Any) -> int:
        """When the text object is drawn; after everything, where that is not known."""
        return self._orders.get(ctypes.cast(text, ctypes.c_void_p).value or 0, MOST_OBJECTS)

    def _read(self, parent: Any, count: Any, get: Any, matrix: Matrix, level: int) -> None:
        for at in range(count(parent)):
            item, order = get(parent, at), next(self._numbers, None)
            if order is None:
                return
            kind = pdfium.FPDFPageObj_GetType(item)
            if kind == pdfium.FPDF_PAGEOBJ_TEXT:
                self._orders[ctypes.cast(item, ctypes.c_void_p).value or 0] = order
                continue
            bounds = _bounds(item, matrix)
            if bounds is not None:
                self.every.append(self._shape(item, kind, order, bounds))
            if kind == pdfium.FPDF_PAGEOBJ_FORM and level < _DEEP - 1:
                own = _times(_matrix(item), matrix)
                self._read(item, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, own, level + 1)

    def _shape(self, item: Any, kind: int, order: int, bounds: Bounds) -> Shape:
        area = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            red, green, blue, alpha = _filled(item)
            fill = (red, green, blue) if alpha >= _OPAQUE else None
            return Shape(order, bounds, fill, covers=alpha > CLEAR and area >= _SMALLEST)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            pixels = _pixels(item)
            self.pixels += pixels
            covers = area >= _SMALLEST
            return Shape(order, bounds, covers=covers, scan=area >= self._enough, bare=_is_bare(item, pixels))
        return Shape(order, bounds, covers=kind == pdfium.FPDF_PAGEOBJ_SHADING)


def _bounds(item: Any, matrix: Matrix) -> Bounds | None:
    """On the page, of an object whose form is drawn by that matrix."""
    sides = [ctypes.c_float() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetBounds(item, *sides):
        return None
    left, bottom, right, top = (side.value for side in sides)
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
