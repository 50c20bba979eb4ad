"""Direct calls of pdfium for each word or object of a page, with plain numbers as arguments.

pypdfium2 returns objects, which take longer to create than the call itself. Here objects are addresses;
`make_raw_object` turns one into an object for pypdfium2.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from struct import Struct
from typing import Any

import pypdfium2.raw as pdfium

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int


def _plain(function: Any, answer: Any, *asked: Any) -> Any:
    return ctypes.CFUNCTYPE(answer, *asked)(ctypes.cast(function, _POINTER).value or 0)


get_object_type = _plain(pdfium.FPDFPageObj_GetType, _INT, _POINTER)
get_page_object = _plain(pdfium.FPDFPage_GetObject, _POINTER, _POINTER, _INT)
get_form_object = _plain(pdfium.FPDFFormObj_GetObject, _POINTER, _POINTER, ctypes.c_ulong)
get_text_object = _plain(pdfium.FPDFText_GetTextObject, _POINTER, _POINTER, _INT)
_loose_box = _plain(pdfium.FPDFText_GetLooseCharBox, _INT, _POINTER, _INT, _POINTER)
_bounds = _plain(pdfium.FPDFPageObj_GetBounds, _INT, *[_POINTER] * 5)
_sides = Struct("4f").unpack_from
_box = (ctypes.c_float * 4)()  # shared, because a child process has a single thread
_each_side = [ctypes.addressof(_box) + 4 * at for at in range(4)]


def make_char_box_reader(textpage: int) -> Callable[[int], tuple[float, float, float, float]]:
    """Return a function from pdfium's character index to (left, top, right, bottom) in points, as high as the line."""
    box = (ctypes.c_float * 4)()
    start = ctypes.addressof(box)

    def read_box(index: int) -> tuple[float, float, float, float]:
        _loose_box(textpage, index, start)
        return _sides(box)

    return read_box


def get_object_bounds(item: int) -> tuple[float, float, float, float] | None:
    """Return left, bottom, right, top of an object in the coordinates of its page or form; None if unknown."""
    return _sides(_box) if _bounds(item, *_each_side) else None


def get_address(item: Any) -> int:
    """Return the address of a ctypes pointer; 0 for a null pointer."""
    return ctypes.cast(item, _POINTER).value or 0


def make_raw_object(at: int) -> Any:
    """Return the page object at this address for calls of pypdfium2.raw."""
    return ctypes.cast(at, pdfium.FPDF_PAGEOBJECT)
