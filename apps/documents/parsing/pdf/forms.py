"""What was filled into the forms of a PDF, and typed upon its pages, as part of the page.

pdfium keeps both apart from a page's text. Here they are pressed into the page, in memory only, so that they are read,
shown and lit like everything else. Remarks (notes, stamps that speak) are no text of the document, and stay out; a mark
without a word (a box, a stroke) is pressed in with the rest, so that it covers what it covered.
"""

from __future__ import annotations

import pypdfium2
import pypdfium2.raw as pdfium

from apps.documents.parsing.pdf.annotations import is_wordless, iter_annotations

_READ = {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT}


def open_flattened_page(document: pypdfium2.PdfDocument, number: int) -> tuple[pypdfium2.PdfPage, bool]:
    """The page, counted from 1, and whether something was pressed into it. Raises PdfiumError."""
    page = document[number - 1]
    if not any(pdfium.FPDFAnnot_GetSubtype(note) in _READ for note in iter_annotations(page)):
        return page, False
    _draw_looks(page)
    _set_aside(page)
    pressed = pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) == pdfium.FLATTEN_SUCCESS
    page.close()
    return document[number - 1], pressed


def _draw_looks(page: pypdfium2.PdfPage) -> None:
    """Each annotation has a look: pdfium makes those that a file leaves to the reader when it first draws the page."""
    pixel = pypdfium2.PdfBitmap.new_native(1, 1, pdfium.FPDFBitmap_BGR)
    pdfium.FPDF_RenderPageBitmap(pixel, page, 0, 0, 1, 1, 0, pdfium.FPDF_ANNOT)


def _set_aside(page: pypdfium2.PdfPage) -> None:
    """Hides what is not to be pressed into the page."""
    for note in iter_annotations(page):
        if pdfium.FPDFAnnot_GetSubtype(note) not in _READ and not is_wordless(note):
            pdfium.FPDFAnnot_SetFlags(note, pdfium.FPDFAnnot_GetFlags(note) | pdfium.FPDF_ANNOT_FLAG_HIDDEN)
