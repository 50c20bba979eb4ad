"""Flatten form fields and typed text into a PDF page, in memory only.

pdfium keeps both apart from a page's text. Flattened, they are parsed, shown and highlighted like the rest. Remarks
(notes, stamps with words) are not text of the document and stay out. Wordless marks (boxes, strokes) are flattened too,
so that they cover what they covered before.
"""

from __future__ import annotations

import pypdfium2
import pypdfium2.raw as pdfium

from apps.reading.parsing.pdf.annotations import is_wordless, iter_annotations

_READ = {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT}


def open_flattened_page(document: pypdfium2.PdfDocument, number: int) -> tuple[pypdfium2.PdfPage, bool]:
    """Return the page, from 1, and whether anything was flattened. Raises PdfiumError."""
    page = document[number - 1]
    if not any(pdfium.FPDFAnnot_GetSubtype(note) in _READ for note in iter_annotations(page)):
        return page, False
    _draw_looks(page)
    _set_aside(page)
    pressed = pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) == pdfium.FLATTEN_SUCCESS
    page.close()
    return document[number - 1], pressed


def _draw_looks(page: pypdfium2.PdfPage) -> None:
    """Draw the page once, by which pdfium creates the appearance of annotations that have none in the file."""
    pixel = pypdfium2.PdfBitmap.new_native(1, 1, pdfium.FPDFBitmap_BGR)
    pdfium.FPDF_RenderPageBitmap(pixel, page, 0, 0, 1, 1, 0, pdfium.FPDF_ANNOT)


def _set_aside(page: pypdfium2.PdfPage) -> None:
    """Hide the annotations that are not to be flattened."""
    for note in iter_annotations(page):
        if pdfium.FPDFAnnot_GetSubtype(note) not in _READ and not is_wordless(note):
            pdfium.FPDFAnnot_SetFlags(note, pdfium.FPDFAnnot_GetFlags(note) | pdfium.FPDF_ANNOT_FLAG_HIDDEN)
