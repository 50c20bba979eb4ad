"""Read what a typesetter draws beside the words of a PDF page: raised numbers, letters that symbol fonts draw as
bullets, and hyphens at line ends. Each character is replaced by one character, so that offsets stay as they were.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium

from apps.reading.parsing.pdf import pdfium_calls
from apps.reading.parsing.pdf.tables import NO_CHAR_INDEX

_NUMBER = re.compile(r"(?<!\d)(?<!\d[.,])\d{1,3}(?!\w)")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALLER = 0.8  # of the height of the character before it: a raised number is at most as high
_RAISED = 0.15  # of that height: a raised number stands at least as much higher
# A sign or letter at the beginning of a line; + - < = > begin formulas, which symbol fonts write too.
_BULLET = re.compile(r"^[^\S\r\n]*([!-*,.-;?-~§¨Øàòüþ\ue000-\uf8ff])[^\S\r\n]+(?=\S)", re.MULTILINE)
_SYMBOL_FONT = re.compile(r"symbol|dingbat|w[ie][nb]gding", re.IGNORECASE)
_NAME_BYTES = 128
_ACCENT_GAP = re.compile("(?<=[\u0300-\u036f]) (?=[^\\W\\d_])")
_NO_GAP = 0.1  # of the letter's height: a space between words is wider
_SOFT_HYPHEN = "\u00ad"
_TOKEN = re.compile(r"[\w-]+")
_LETTERS = re.compile(r"[^\W\d_]*")  # at the beginning of a word
_WORD_END, _WORD_BEGIN = re.compile(r"\w+\Z"), re.compile(r"\w+")
LONGEST_WORD = 60  # characters that are looked at before and after a hyphen


def find_accent_gaps(text: str, char_indexes: Sequence[int], textpage: pypdfium2.PdfTextPage) -> set[int]:
    """Return the positions of spaces that pdfium adds after a letter with an accent of its own, where the next letter
    stands close ("fu\u0308 r")."""
    get_box, gaps = pdfium_calls.make_char_box_reader(pdfium_calls.get_address(textpage.raw)), set[int]()
    for match in _ACCENT_GAP.finditer(text):
        letter = match.start() - 1
        while letter > 0 and unicodedata.combining(text[letter]):
            letter -= 1
        _, top, right, bottom = get_box(char_indexes[letter])
        left = get_box(char_indexes[match.end()])[0]
        generated = pdfium.FPDFText_IsGenerated(textpage.raw, char_indexes[match.start()]) == 1
        if generated and abs(left - right) < _NO_GAP * (top - bottom):
            gaps.add(match.start())
    return gaps


def find_real_hyphens(text: str) -> list[int]:
    """Return the positions of the soft hyphens that stand for real ones, at which a line ends: "DHCP-" before "Server".

    pdfium marks every hyphen at a line end as soft. It is real if the same compound stands on the page with a hyphen;
    not if the whole word stands there without one, or is in capitals; else if a capital letter or a digit follows, or
    capitals precede.
    """
    if _SOFT_HYPHEN not in text:
        return []
    tokens = [token for token in _TOKEN.findall(text) if len(token) <= 2 * LONGEST_WORD]
    compounds = {(left.casefold(), right) for token in tokens for left, right in pairwise(token.split("-"))}
    words = {word for token in tokens for part in token.split("-") for word in (part, _LETTERS.match(part)[0])}  # type: ignore[index]
    positions = [at for at, char in enumerate(text) if char == _SOFT_HYPHEN]
    return [at for at in positions if _is_real_hyphen(text, at, compounds, words)]


def _is_real_hyphen(text: str, at: int, compounds: set[tuple[str, str]], words: set[str]) -> bool:
    before = _WORD_END.search(text[max(0, at - LONGEST_WORD) : at])
    after = _WORD_BEGIN.match(text, at + 1, at + 1 + LONGEST_WORD)
    if before is None or after is None:
        return False
    left, right = before[0], after[0]
    if (left.casefold(), right) in compounds:
        return True
    letters = _LETTERS.match(right)[0]  # type: ignore[index]
    if left + right in words or (letters and left + letters in words):
        return False
    if min(len(left), len(right)) > 2 and (left + right).isalpha() and (left + right).isupper():
        return False
    return not right[0].islower() or left[-1].isdigit() or (len(left) > 1 and left.isupper())


def restore_bullets(text: str, char_indexes: Sequence[int], textpage: pypdfium2.PdfTextPage) -> str:
    """Return the text with "•" for each letter at the beginning of a line that a symbol font draws as a bullet.

    `char_indexes`: pdfium's index of each character, also below.
    """
    chars = list(text)
    for match in _BULLET.finditer(text):
        if _SYMBOL_FONT.search(get_font_name(textpage, char_indexes[match.start(1)])):
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


def get_font_name(textpage: pypdfium2.PdfTextPage, char_index: int) -> str:
    """Return the name of the font of a character."""
    name, flags = ctypes.create_string_buffer(_NAME_BYTES), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(textpage.raw, char_index, name, _NAME_BYTES, flags)
    return name.value.decode("latin-1")
