"""Read the annotations of a PDF page: boxes, stamps, strokes of a pen.

They are not part of the page's content, and are drawn after all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

MOST = 5_000  # annotations of a page that are read
_UNSEEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_DRAWN_ANYWAY = {
    pdfium.FPDF_ANNOT_SQUARE, pdfium.FPDF_ANNOT_CIRCLE, pdfium.FPDF_ANNOT_INK, pdfium.FPDF_ANNOT_HIGHLIGHT,
}  # fmt: skip
_NOTHING = 2  # bytes of an empty text
_DEEP = 3  # forms in forms

Bounds = tuple[float, float, float, float]


def iter_annotations(page: pypdfium2.PdfPage) -> Iterator[Any]:
    """Yield the annotations of the page, each open until the next is requested."""
    for at in range(min(pdfium.FPDFPage_GetAnnotCount(page), MOST)):
        with _open(page, at) as note:
            yield note


def list_covered_bounds(page: pypdfium2.PdfPage) -> list[Bounds]:
    """Return the bounds (left, bottom, right, top in points) of visible annotations, which may cover the page."""
    covered = []
    for note in iter_annotations(page):
        if _is_drawn(note):
            box = pdfium.FS_RECTF()
            pdfium.FPDFAnnot_GetRect(note, box)
            xs, ys = sorted((box.left, box.right)), sorted((box.bottom, box.top))
            covered.append((xs[0], ys[0], xs[1], ys[1]))
    return covered


def is_wordless(note: Any) -> bool:
    """Return whether the annotation is drawn without text: a box, say, but no stamp with words."""
    return _is_drawn(note) and not any(
        _says(pdfium.FPDFAnnot_GetObject(note, at), 1) for at in range(pdfium.FPDFAnnot_GetObjectCount(note))
    )


def _is_drawn(note: Any) -> bool:
    if pdfium.FPDFAnnot_GetFlags(note) & _UNSEEN or pdfium.FPDFAnnot_GetSubtype(note) == pdfium.FPDF_ANNOT_POPUP:
        return False
    look = pdfium.FPDFAnnot_GetAP(note, pdfium.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None, 0)
    return look > _NOTHING or pdfium.FPDFAnnot_GetSubtype(note) in _DRAWN_ANYWAY


def _says(item: Any, level: int) -> bool:
    kind = pdfium.FPDFPageObj_GetType(item)
    if kind != pdfium.FPDF_PAGEOBJ_FORM:
        return bool(kind == pdfium.FPDF_PAGEOBJ_TEXT)
    inner = (pdfium.FPDFFormObj_GetObject(item, at) for at in range(pdfium.FPDFFormObj_CountObjects(item)))
    return level == _DEEP or any(_says(each, level + 1) for each in inner)


@contextmanager
def _open(page: pypdfium2.PdfPage, at: int) -> Iterator[Any]:
    note = pdfium.FPDFPage_GetAnnot(page, at)
    try:
        yield note
    finally:
        pdfium.FPDFPage_CloseAnnot(note)
