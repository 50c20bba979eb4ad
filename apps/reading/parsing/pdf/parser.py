"""Parser of PDF by pypdfium2: the text of each page, to which all offsets refer, and its lines grouped into runs.

Only `extract_page_text` defines the text of a page. The word boxes of `page_rendering.py` use it too, so that a
character span means the same characters in both.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from apps.lib.text import message_templates
from apps.lib.text.sentences import BULLETS
from apps.reading.parsing.pdf import pdfium_calls
from apps.reading.parsing.pdf.columns import (
    LineCell,
    arrange_text,
    is_right_to_left,
    map_char_indexes,
    order_columns,
    order_lines,
    order_rotated_text,
    split_rows,
)
from apps.reading.parsing.pdf.forms import open_flattened_page
from apps.reading.parsing.pdf.hidden_text import blank_hidden_words
from apps.reading.parsing.pdf.tables import NO_CHAR_INDEX, join_wrapped_cells, write_tables
from apps.reading.parsing.pdf.typeset_marks import (
    find_accent_gaps,
    find_real_hyphens,
    get_font_name,
    mark_raised_numbers,
    restore_bullets,
)
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    TEXT_TOO_LONG,
    BlockKind,
    BlockSpan,
    PageCount,
    ParsedItem,
    ParsedPage,
    ParseError,
    ParseLimits,
    ParseNotice,
    make_title,
    strip_invisible,
)

_PASSWORD = 4  # FPDF_ERR_PASSWORD
_HYPHEN = "\u00ad"  # pdfium marks a hyphen at a line end by U+0002 or U+FFFE; a soft hyphen is exactly that
_PAIR = re.compile("([\ud800-\udbff])([\udc00-\udfff])")
_LONE = re.compile("[\ud800-\udfff]")
_LINE = re.compile("[^\r\n\u00ad]+")  # a soft hyphen ends a printed line too
_SECTION = re.compile(r"\s*((?:\d{1,2}|[A-Z])(?:\.\d{1,2}){1,4})\.?\s+/?[^\W\d_]")  # "5.9.1. Purpose", "C.2 Dates"
# Labels of boxes, which head the note beside them and no section.
_BOX_LABEL = re.compile(
    "(?:notes?|tip|hint|important|warning|caution|attention|danger|hinweis|anmerkung|tipp|wichtig|achtung|warnung|"
    "vorsicht|gefahr|nota|aviso|sugerencia|consejo|importante|atención|advertencia|precaución|peligro)[ :!]*",
    re.IGNORECASE,
)
_LIST = re.compile(rf"\s*(?:[{BULLETS}-]|\(?\d{{1,2}}[.)]|\(?[a-z][.)])\s+\S")
_NAME_OF_FILE = re.compile(
    r"^(microsoft (word|powerpoint|excel) -|untitled|\S+\.(docx?|pdf|indd|tex|dvi|pptx?|xlsx?)$)", re.IGNORECASE
)
_FORCE_BOLD, _BOLD_WEIGHT = 1 << 18, 600  # flag of a font, and weight from which it counts as bold
LARGER = 1.15  # times the size of most text, from which a short line is a heading
FEW_CHARACTERS = 30  # a page with fewer, and with a picture, counts as scanned
FEW_BESIDE = 250  # the same, if a picture covers most of the page: a scan with a stamp or a running head
COVERS = 0.5  # share of the page that such a picture covers
FEW_SHAPES = 40  # paths from which a page without pictures may show letters
MOST_OBJECTS = 5_000  # of a page that are looked at
MAX_SIDE = 20_000  # points; PDF itself allows 14,400


@dataclass(frozen=True, slots=True)
class _Line:
    """Line of a page with its position and font."""

    start: int
    end: int
    bottom: float
    size: float  # of its first letter, points
    bold: bool


def open_pdf(path: str) -> pypdfium2.PdfDocument:
    """Return the document. Raises ParseError if it is encrypted or damaged."""
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise ParseError(
                "This PDF is protected by a password. Save a copy without the password and upload that."
            ) from error
        raise ParseError(
            "This PDF is damaged or was cut off during a transfer. "
            "Open it in a PDF reader, save it again and upload that."
        ) from error


@dataclass(frozen=True, slots=True)
class PageText:
    """Text of a page, pdfium's index of each character, and the spans of its tables.

    The index is NO_CHAR_INDEX for inserted characters, such as column names before cells. `hidden` is True if hidden
    text was blanked. `line_hyphens` are the positions of real hyphens at which a line ends.
    """

    text: str
    char_indexes: Sequence[int]
    tables: Sequence[tuple[int, int]]
    hidden: bool
    line_hyphens: Sequence[int] = ()


def extract_page_text(page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage, *, filled: bool = False) -> PageText:
    """Return the visible text of a page in reading order, tables written with column names.

    If forms were `filled` (flattened), lines are ordered by height, so that the entries stand beside their labels.
    """
    raw, visible_text, char_indexes = _read_characters(page, textpage)
    rows = split_rows(raw, char_indexes, textpage)
    order: list[LineCell] | None
    if filled:
        order = order_lines(rows)
    else:
        order = _turned(rows, char_indexes, page, textpage) or order_columns(
            rows, page.get_width(), leftward=is_right_to_left(raw)
        )
    text = restore_bullets(visible_text, char_indexes, textpage)
    if order is not None:
        text, char_indexes = arrange_text(text, order, char_indexes)
        rows = split_rows(text, char_indexes, textpage)

    def is_bold(cell: LineCell) -> bool:
        index = char_indexes[cell.start]  # PDF's own fonts tell it by their names only
        return _is_bold(textpage.raw, index) or "bold" in get_font_name(textpage, index).lower()

    text, new_indexes, tables = write_tables(text, char_indexes, join_wrapped_cells(text, rows), is_bold)
    hyphens = find_real_hyphens(text)
    text = _replace_at(hyphens, "-", mark_raised_numbers(text, new_indexes, textpage))
    return PageText(text, new_indexes, tables, visible_text != raw, hyphens)


def _read_characters(page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage) -> tuple[str, str, Sequence[int]]:
    """Return the text as drawn, the same with hidden words blanked, and pdfium's index of each character."""
    raw = _drawn(textpage)
    visible_text, char_indexes = blank_hidden_words(raw, page, textpage), map_char_indexes(raw)
    gaps = find_accent_gaps(raw, char_indexes, textpage)
    if not gaps:
        return raw, visible_text, char_indexes
    left = [at for at in range(len(raw)) if at not in gaps]
    return "".join(raw[at] for at in left), "".join(visible_text[at] for at in left), [char_indexes[at] for at in left]


def _replace_at(positions: Sequence[int], char: str, text: str) -> str:
    chars = list(text) if positions else text
    for position in positions:
        chars[position] = char  # type: ignore[index]
    return "".join(chars)


def _turned(
    rows: list[list[LineCell]], at: Sequence[int], page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage
) -> list[LineCell] | None:
    place = pdfium_calls.make_char_box_reader(pdfium_calls.get_address(textpage.raw))
    return order_rotated_text(rows, page.get_rotation(), lambda index: place(at[index]))


def _drawn(textpage: pypdfium2.PdfTextPage) -> str:
    """Return the text with one character for each of pdfium's; surrogate pairs become one character."""
    text = _units(textpage.raw, textpage.count_chars()).replace("\x02", _HYPHEN).replace("\ufffe", _HYPHEN)
    if _LONE.search(text):
        text = _PAIR.sub(
            lambda pair: (pair[1] + pair[2]).encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text
        )
        text = _LONE.sub("\ufffd", text)
    return strip_invisible(text, " ")


def _units(textpage: Any, count: int) -> str:
    """Return pdfium's characters by index, halves of a pair apart; in a single call where that gives the same."""
    buffer = (ctypes.c_ushort * (count + 1))()
    if pdfium.FPDFText_GetText(textpage, 0, count, buffer) == count + 1 and 0 not in buffer[:count]:
        return "".join(map(chr, buffer[:count]))
    return "".join(map(chr, [pdfium.FPDFText_GetUnicode(textpage, index) for index in range(count)]))


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield page count, title, pages and notices of a PDF. Raises ParseError."""
    with closing(open_pdf(path)) as document:
        count = len(document)
        if count > limits.pages:
            raise ParseError(message_templates.PAGES % {"count": f"{count:,}", "most": f"{limits.pages:,}"})
        yield PageCount(count)
        name = document.get_metadata_value("Title")
        title = make_title(name)
        if title and not _NAME_OF_FILE.match(title.text):
            yield title
        sizes: Counter[int] = Counter()
        characters = damaged = hidden = 0
        for number in range(1, count + 1):
            try:
                page, has_hidden = _page(document, number, sizes)
            except pypdfium2.PdfiumError:
                page, has_hidden, damaged = ParsedPage(number, "", ()), False, damaged + 1
            characters += len(page.text)
            hidden += has_hidden
            if characters > limits.characters:
                raise ParseError(TEXT_TOO_LONG)
            yield page
        if hidden:
            yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)
        if damaged == count:
            raise ParseError(
                "No page of this PDF can be opened: it is damaged. Save it again in a PDF reader and upload that."
            )


def _page(document: pypdfium2.PdfDocument, number: int, sizes: Counter[int]) -> tuple[ParsedPage, bool]:
    """Return a page, and whether it has hidden text."""
    page, filled = open_flattened_page(document, number)
    with closing(page), closing(page.get_textpage()) as textpage:
        width, height = page.get_size()
        page_text = extract_page_text(page, textpage, filled=filled)
        text = page_text.text
        lines = list(_lines(textpage, page_text))
        for line in lines:
            sizes[round(line.size * 2)] += line.end - line.start
        body = sizes.most_common(1)[0][0] / 2 if sizes else 0.0
        own = len(text.strip())
        scan = (own < FEW_CHARACTERS and _has_ink(page)) or (own < FEW_BESIDE and _is_covered(page))
        size = min(width, MAX_SIDE), min(height, MAX_SIDE)
        return ParsedPage(number, text, tuple(_with_tables(page_text, lines, body)), *size, scan=scan), page_text.hidden


def _has_ink(page: pypdfium2.PdfPage) -> bool:
    """Return whether the page shows a picture, or so many paths that they may be letters."""
    shapes = 0
    for item in islice(page.get_objects(max_depth=3), MOST_OBJECTS):
        if item.type in {pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM}:
            return True
        shapes += item.type == pdfium.FPDF_PAGEOBJ_PATH
    return shapes >= FEW_SHAPES


def _is_covered(page: pypdfium2.PdfPage) -> bool:
    """Return whether one picture covers most of the page."""
    left, bottom, right, top = page.get_bbox()
    enough = COVERS * (right - left) * (top - bottom)
    for item in islice(page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_IMAGE,), max_depth=3), MOST_OBJECTS):
        x, y, far, high = item.get_bounds()
        if max(0.0, min(far, right) - max(x, left)) * max(0.0, min(high, top) - max(y, bottom)) >= enough:
            return True
    return False


def _lines(textpage: pypdfium2.PdfTextPage, page_text: PageText) -> Iterator[_Line]:
    """Yield the lines of a page with position and font of their first letter or digit, as bullets have other fonts.

    A line is bold if its last one is too: a paragraph may have a bold name in it.
    """
    page, box, matrix = textpage.raw, pdfium.FS_RECTF(), pdfium.FS_MATRIX()
    for match in _LINE.finditer(_replace_at(page_text.line_hyphens, _HYPHEN, page_text.text)):
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        drawn = [at for at in range(start, match.end()) if page_text.char_indexes[at] != NO_CHAR_INDEX]
        if not drawn:
            continue
        letters = [at for at in drawn if page_text.text[at].isalnum()] or drawn
        char_index = page_text.char_indexes[letters[0]]
        pdfium.FPDFText_GetLooseCharBox(page, char_index, box)
        pdfium.FPDFText_GetMatrix(page, char_index, matrix)
        size = pdfium.FPDFText_GetFontSize(page, char_index) * math.hypot(matrix.c, matrix.d)
        bold = _is_bold(page, char_index) and _is_bold(page, page_text.char_indexes[letters[-1]])
        yield _Line(start, match.end(), box.bottom, size, bold)


def _is_bold(textpage: Any, char_index: int) -> bool:
    flags = ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(textpage, char_index, None, 0, flags)
    return bool(flags.value & _FORCE_BOLD) or pdfium.FPDFText_GetFontWeight(textpage, char_index) >= _BOLD_WEIGHT


def _with_tables(page_text: PageText, lines: list[_Line], body: float) -> Iterator[BlockSpan]:
    """Yield the runs of a page, each table as one."""
    remaining = lines
    step = _usual_step(lines)
    for span in page_text.tables:
        yield from _pieces(page_text.text, [line for line in remaining if line.end <= span[0]], body, step)
        yield BlockSpan("table", 0, *span)
        remaining = [line for line in remaining if line.start >= span[1]]
    yield from _pieces(page_text.text, remaining, body, step)


def _usual_step(lines: list[_Line]) -> float:
    """Return the median distance of a line from the one above it, in points; 0 if there is none."""
    steps = sorted(above.bottom - below.bottom for above, below in pairwise(lines) if above.bottom > below.bottom)
    return steps[len(steps) // 2] if steps else 0.0


def _pieces(text: str, lines: list[_Line], body: float, step: float) -> Iterator[BlockSpan]:
    """Yield runs: lines that belong together become a paragraph; short lines that are larger or bold, a heading.

    `step` is the usual distance of two lines on the whole page, in points.
    """
    step = min(step, _usual_step(lines) or step)
    kinds = [_kind(text, lines, at, body) for at in range(len(lines))]
    first = 0
    for at in range(1, len(lines) + 1):
        begins = at == len(lines) or (kinds[at][0] == "heading" and _SECTION.match(text, lines[at].start))
        inside = not begins and _continues_block(kinds[first], kinds[at])
        if inside and _is_next(text, lines[at - 1], lines[at], step):
            continue
        kind, level = kinds[first]
        numbered = _SECTION.match(text, lines[first].start)
        if kind == "heading" and numbered and numbered[1][0].isdigit():  # appendices have the levels of their sizes
            level = numbered[1].count(".") + 1
        yield BlockSpan(kind, level, lines[first].start, lines[at - 1].end)
        first = at


def _continues_block(block: tuple[BlockKind, int], line: tuple[BlockKind, int]) -> bool:
    """Return whether a line of this kind can continue a run that began with that kind; each list item begins a new
    one."""
    return line[0] != "list" and (line == block or (block[0], line[0]) == ("list", "paragraph"))


def _is_next(text: str, above: _Line, line: _Line, line_height: float) -> bool:
    """Return whether the line above ends within a word that goes on in this one, or is as close as in one paragraph."""
    parts_word = line.start == above.end + 1 and text[above.end] in {_HYPHEN, "-"}
    return parts_word or _is_close(above, line, line_height)


def _is_close(above: _Line, line: _Line, line_height: float) -> bool:
    """Return whether the line is as close below the other as lines of one paragraph are."""
    fall = above.bottom - line.bottom
    return -0.5 * line.size <= fall <= max(1.45 * line_height, 1.2 * line.size)


def _kind(text: str, lines: list[_Line], at: int, body: float) -> tuple[BlockKind, int]:
    line = lines[at]
    words = text[line.start : line.end].strip()
    if _LIST.match(words):
        is_larger = 0 < LARGER * body <= line.size
        return ("heading", 3) if len(words) <= 80 and (is_larger or (line.bold and line.size >= body)) else ("list", 0)
    if _BOX_LABEL.fullmatch(words) or _mixes_alphabets(words):
        return "paragraph", 0
    if len(words) > 120 or not any(char.isalpha() for char in words) or not body:
        return "paragraph", 0
    if line.size >= LARGER * body:
        return "heading", 1 if line.size >= 1.6 * body else 2 if line.size >= 1.3 * body else 3
    after = lines[at + 1] if at + 1 < len(lines) else None
    alone = (at == 0 or not lines[at - 1].bold) and (after is None or not after.bold)
    stands_out = (alone and line.size >= 0.95 * body) or _SECTION.match(words)
    if line.bold and stands_out and len(words) <= 80 and words[-1] not in ".,;:":
        return "heading", 4
    return "paragraph", 0


def _mixes_alphabets(words: str) -> bool:
    """Return whether a single word has letters of several alphabets, as fonts with small capitals are often read."""
    if " " in words or words.isascii():
        return False
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in words}
    return len(scripts & {"LATIN", "GREEK", "CYRILLIC"}) > 1
