"""Render a page of a PDF, or a picture, as an image, and locate its words. Runs in sandboxed child processes."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from apps.lib.text.message_templates import NO_PAGE
from apps.reading.parsing import raster_image
from apps.reading.parsing.pdf.forms import open_flattened_page
from apps.reading.parsing.pdf.parser import MAX_SIDE, PageText, extract_page_text, open_pdf
from apps.reading.parsing.pdf.tables import NO_CHAR_INDEX
from apps.reading.parsing.protocol import ParseError, WordBox

MAX_PIXELS = 12_000_000  # of an image
MOST_WORDS = 20_000  # of a page
_ALONE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # letters of scripts without spaces between words
_WORD = re.compile(f"[{_ALONE}]|[^\\s\u00ad{_ALONE}]+\u00ad?")  # a soft hyphen ends a line


def render_page(path: str, kind: str, number: int, width: int) -> dict[str, Any]:
    """Return "png" (base64), "width" and "height" in pixels, and "text" and "words" of a PDF page as in `Page`.

    Each word is start and end in the text, then left, top, width, height as fractions of the page. A picture has
    no words here: recognised ones are in the database. Raises ParseError.
    """
    if kind == "image":
        return _answer(raster_image.render_frame(path, number, width, MAX_PIXELS), "", [])
    with closing(open_pdf(path)) as document:
        if not 1 <= number <= len(document):
            raise ParseError(NO_PAGE % {"number": number})
        page, filled = open_flattened_page(document, number)
        with closing(page):
            points = page.get_size()
            if not all(0 < side <= MAX_SIDE for side in points):
                raise ParseError("This page has an invalid size and cannot be shown.")
            scale = min(width / points[0], (MAX_PIXELS / (points[0] * points[1])) ** 0.5)
            bitmap = page.render(scale=scale, may_draw_forms=False, rev_byteorder=True)
            with closing(page.get_textpage()) as textpage:
                page_text = extract_page_text(page, textpage, filled=filled)
                words = list(islice(_words(page, bitmap, textpage, page_text), MOST_WORDS))
            return _answer(bitmap.to_pil(), page_text.text, words)


def _answer(image: Any, text: str, words: list[WordBox]) -> dict[str, Any]:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=3)
    png = base64.b64encode(file.getvalue()).decode()
    return {"png": png, "width": image.width, "height": image.height, "text": text, "words": words}


def _words(
    page: pypdfium2.PdfPage, bitmap: pypdfium2.PdfBitmap, textpage: pypdfium2.PdfTextPage, page_text: PageText
) -> Iterator[WordBox]:
    """Yield each word, once for every line on which it stands."""
    converter = bitmap.get_posconv(page)
    for match in _WORD.finditer(page_text.text):
        here = page_text.char_indexes[match.start() : match.end()]
        drawn = [(index, char) for char, index in zip(match.group(), here, strict=True) if index != NO_CHAR_INDEX]
        if not drawn:
            continue
        first, (last, last_char) = drawn[0][0], drawn[-1]  # between them pdfium may have a space left out here
        count = last - first + (2 if ord(last_char) > 0xFFFF else 1)
        for xs, ys in _lines(textpage, converter, first, count):
            sides = [xs[0] / bitmap.width, ys[0] / bitmap.height, xs[1] / bitmap.width, ys[1] / bitmap.height]
            yield (*match.span(), *_rounded(sides))


def _lines(
    textpage: pypdfium2.PdfTextPage, converter: Any, first: int, count: int
) -> list[tuple[list[int], list[int]]]:
    """Return left and right, top and bottom in pixels of the characters, once per line; superscripts are of their
    line."""
    lines: list[tuple[list[int], list[int]]] = []
    for index in range(pdfium.FPDFText_CountRects(textpage, first, count)):
        left, bottom, right, top = textpage.get_rect(index)
        corners = [converter.to_bitmap(left, bottom), converter.to_bitmap(right, top)]
        xs, ys = sorted(x for x, _ in corners), sorted(y for _, y in corners)
        if lines and min(ys[1], lines[-1][1][1]) > max(ys[0], lines[-1][1][0]):
            before = lines.pop()
            xs = [min(xs[0], before[0][0]), max(xs[1], before[0][1])]
            ys = [min(ys[0], before[1][0]), max(ys[1], before[1][1])]
        lines.append((xs, ys))
    return lines


def _rounded(sides: list[float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (min(1.0, max(0.0, side)) for side in sides)
    return round(left, 5), round(top, 5), round(right - left, 5), round(bottom - top, 5)
