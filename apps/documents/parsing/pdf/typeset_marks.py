"""Read what a typesetter draws beside the words of a PDF page: raised numbers, and letters that symbol fonts draw as
bullets. Each character is replaced by one character, so that offsets stay as they were.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence

import pypdfium2
import pypdfium2.raw as pdfium

from apps.documents.parsing.pdf import pdfium_calls
from apps.documents.parsing.pdf.tables import NO_CHAR_INDEX

_NUMBER = re.compile(r"(?<!\d)(?<!\d[.,])\d{1,3}(?!\w)")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALLER = 0.8  # of the height of the character before it: a raised number is at most as high
_RAISED = 0.15  # of that height: a raised number stands at least as much higher
# A sign or letter at the beginning of a line; + - < = > begin formulas, which symbol fonts write too.
_BULLET = re.compile(r"^[^\S\r\n]*([!-*,.-;?-~§¨Øàòüþ\ue000-\uf8ff])[^\S\r\n]+(?=\S)", re.MULTILINE)
_SYMBOL_FONT = re.compile(r"symbol|dingbat|w[ie][nb]gding", re.IGNORECASE)
_NAME_BYTES = 128


def restore_bullets(text: str, char_indexes: Sequence[int], textpage: pypdfium2.PdfTextPage) -> str:
    """Return the text with "•" for each letter at the beginning of a line that a symbol font draws as a bullet.

    `char_indexes`: pdfium's index of each character, also below.
    """
    chars = list(text)
    for match in _BULLET.finditer(text):
        if _SYMBOL_FONT.search(_get_font_name(textpage, char_indexes[match.start(1)])):
            chars[match.start(1)] = "•"
    return "".join(chars)


def mark_raised_numbers(text: str, char_indexes: Sequence[int], textpage: pypdfium2.PdfTextPage) -> str:
    """Return the text with raised numbers after a word as superscripts ("10⁶ m²", "act³"), and those that stand alone
    as spaces: footnote marks, which PDF often has at the end of their line."""
    get_box = pdfium_calls.make_char_box_reader(pdfium_calls.get_address(textpage.raw))
    chars = list(text)
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        before = start - 1
        while before >= 0 and text[before].isspace():
            before -= 1
        if before < 0 or NO_CHAR_INDEX in (char_indexes[start], char_indexes[before]):
            continue
        _, top, _, bottom = get_box(char_indexes[before])
        _, mark_top, _, mark_bottom = get_box(char_indexes[start])
        height = top - bottom
        if mark_top - mark_bottom <= _SMALLER * height and _RAISED * height <= mark_bottom - bottom < height:
            alone = before < start - 1
            chars[start:end] = " " * (end - start) if alone else match.group().translate(_SUPERSCRIPTS)
    return "".join(chars)


def _get_font_name(textpage: pypdfium2.PdfTextPage, char_index: int) -> str:
    name, flags = ctypes.create_string_buffer(_NAME_BYTES), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(textpage.raw, char_index, name, _NAME_BYTES, flags)
    return name.value.decode("latin-1")
