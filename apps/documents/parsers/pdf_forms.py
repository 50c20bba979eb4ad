"""What was filled into the forms of a PDF, and typed upon its pages, as part of the page.

pdfium keeps both apart from a page's text. Here they are pressed into the page, in memory only, so that they are read,
shown and lit like everything else. Marks and remarks (highlights, notes) are no text of the document, and stay out.
"""

from __future__ import annotations

import pypdfium2
import pypdfium2.raw as pdfium

_READ = {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT}
MOST = 5_000  # annotations of a page


def open_page(document: pypdfium2.PdfDocument, number: int) -> tuple[pypdfium2.PdfPage, bool]:
    """The page, counted from 1, and whether something was pressed into it. Raises PdfiumError."""
    page = document[number - 1]
    if not _kinds(page) & _READ:
        return page, False
    _set_aside(page)
    pressed = pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) == pdfium.FLATTEN_SUCCESS
    page.close()
    return document[number - 1], pressed


def _kinds(page: pypdfium2.PdfPage) -> set[int]:
    found = set()
    for at in range(min(pdfium.FPDFPage_GetAnnotCount(page), MOST)):
        note = pdfium.FPDFPage_GetAnnot(page, at)
        found.add(pdfium.FPDFAnnot_GetSubtype(note))
        pdfium.FPDFPage_CloseAnnot(note)
    return found


def _set_aside(page: pypdfium2.PdfPage) -> None:
    """Hides what is not to be pressed into the page."""
    for at in range(min(pdfium.FPDFPage_GetAnnotCount(page), MOST)):
        note = pdfium.FPDFPage_GetAnnot(page, at)
        if pdfium.FPDFAnnot_GetSubtype(note) not in _READ:
            pdfium.FPDFAnnot_SetFlags(note, pdfium.FPDFAnnot_GetFlags(note) | pdfium.FPDF_ANNOT_FLAG_HIDDEN)
        pdfium.FPDFPage_CloseAnnot(note)
