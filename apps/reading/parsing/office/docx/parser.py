"""Parser of Word documents by python-docx: the visible text in reading order, with headings, lists, tables and
notes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import docx
import lxml.etree
from docx.opc.exceptions import PackageNotFoundError

from apps.reading.parsing.common.tables import expand_spans, make_table_blocks_by_first_row
from apps.reading.parsing.common.zip_archive import BoundedZipFile, parse_xml
from apps.reading.parsing.office.docx.formulas import MATH, format_formula
from apps.reading.parsing.office.docx.headers_footers import LEFT_OVER, list_headers_footers, strip_page_numbers
from apps.reading.parsing.office.docx.hidden_text import HiddenRunDetector, read_child_value
from apps.reading.parsing.office.docx.hidden_text import W as _W
from apps.reading.parsing.office.docx.list_numbering import ListNumbering
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    ParseNotice,
    make_title,
    paginate,
)

_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_LIST = re.compile(r"list|bullet", re.IGNORECASE)
_GAPS = {_W + "tab": "\t", _W + "br": "\n", _W + "cr": "\n", _W + "noBreakHyphen": "-"}
_WRAPPERS = {_W + "sdt", _W + "sdtContent", _W + "customXml", _W + "smartTag", _W + "ins"}
_BOX = _W + "txbxContent"
_SKIPPED = {_FALLBACK, _BOX, _W + "del", _W + "moveFrom", _W + "instrText", _W + "delText"}

DAMAGED = (
    "This Word document is damaged or was cut off during a transfer. Open it in Word, save it again and upload that."
)


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title, pages and notices of a Word document. Raises ParseError."""
    try:
        body, styles, core_title = _opened(path)
        notes, numbering, around = _beside(path, body)
    except (
        zipfile.BadZipFile,
        PackageNotFoundError,
        KeyError,
        lxml.etree.XMLSyntaxError,
        ValueError,
        OSError,
    ) as error:
        raise ParseError(DAMAGED) from error
    reader = _Reader(styles, HiddenRunDetector(body, styles), notes, ListNumbering(numbering, styles))
    blocks = [*reader.blocks(body), *reader.around(around)]
    title = make_title(core_title) or make_title(reader.first)
    if title:
        yield title
    yield from paginate(blocks, limits)
    if reader.hidden.has_hidden_text:
        yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)


def _opened(path: str) -> tuple[Any, Any, str]:
    """Return the body, the styles, and the title in the properties."""
    with BoundedZipFile(path) as archive:
        if _STRICT in archive.read("word/document.xml")[:4096]:
            return _body(archive), _part(archive, "word/styles.xml"), ""
    try:
        document = docx.Document(path)
    except ValueError:  # a template or a document with macros, which python-docx does not open
        with BoundedZipFile(path) as archive:
            return _body(archive), _part(archive, "word/styles.xml"), ""
    return document.element.body, document.styles.element, document.core_properties.title or ""


def _beside(path: str, body: Any) -> tuple[dict[tuple[str, str], Any], Any, list[tuple[str, Any]]]:
    """Return footnotes and endnotes by (tag of the reference, id); the numbering, None if there is none; headers and
    footers."""
    notes, numbering = {}, None
    with BoundedZipFile(path) as archive:
        names = archive.namelist()
        for kind in ("footnote", "endnote"):
            if f"word/{kind}s.xml" in names:
                for note in _part(archive, f"word/{kind}s.xml").iter(_W + kind):
                    notes[f"{_W}{kind}Reference", note.get(_W + "id") or ""] = note
        if "word/numbering.xml" in names:
            numbering = _part(archive, "word/numbering.xml")
        return notes, numbering, list_headers_footers(archive, body, _part)


def _body(archive: zipfile.ZipFile) -> Any:
    """Return the body of a document in the strict variant of the standard, whose names python-docx does not know."""
    body = _part(archive, "word/document.xml").find(_W + "body")
    if body is None:
        raise KeyError("body")
    return body


def _part(archive: zipfile.ZipFile, name: str) -> Any:
    return parse_xml(archive.read(name).replace(_STRICT, _W[1:-1].encode()))


class _Reader:
    """Reader of one document with its styles and notes."""

    def __init__(
        self, styles: Any, hidden: HiddenRunDetector, notes: dict[tuple[str, str], Any], numbers: ListNumbering
    ) -> None:
        self.notes = notes
        self.numbers = numbers
        self.first = ""  # first heading of level 1
        self.headings: dict[str, int] = {}
        self.lists: set[str] = set()
        self.hidden = hidden
        for style in styles.iter(_W + "style"):
            name = style.find(_W + "name")
            self._learn(style, style.get(_W + "styleId") or "", name.get(_W + "val") or "" if name is not None else "")

    def _learn(self, style: Any, style_id: str, name: str) -> None:
        heading, outline = _HEADING.match(name), style.find(f"{_W}pPr/{_W}outlineLvl")
        if heading:
            self.headings[style_id] = int(heading[1])
        elif name.lower() == "title":
            self.headings[style_id] = 1
        elif outline is not None and (outline.get(_W + "val") or "9") in "01234567":
            self.headings[style_id] = int(outline.get(_W + "val")) + 1
        if _LIST.search(name) or style.find(f"{_W}pPr/{_W}numPr") is not None:
            self.lists.add(style_id)

    def blocks(self, parent: Any) -> Iterator[ParsedBlock]:
        """Yield the blocks below an element."""
        for child in parent:
            if child.tag == _W + "p":
                yield from self._paragraph(child)
                yield from self._boxes(child)
                yield from self._said_below(child)
            elif child.tag == _W + "tbl":
                rows = expand_spans(self._rows(child))
                yield from make_table_blocks_by_first_row([row for row in rows if any(row)])
                yield from self._said_below(child)
            elif child.tag in _WRAPPERS:
                yield from self.blocks(child)

    def _paragraph(self, paragraph: Any) -> Iterator[ParsedBlock]:
        text, label = self._text(paragraph).strip(), self.numbers.label(paragraph)
        if not text:
            return
        properties = paragraph.find(_W + "pPr")
        style = read_child_value(properties, "pStyle") or ""
        outline = read_child_value(properties, "outlineLvl")
        level = self.headings.get(style) or (int(outline) + 1 if outline and outline in "01234567" else 0)
        if level and len(text) <= 300:
            self.first = self.first or (" ".join(text.split()) if level == 1 else "")
            yield ParsedBlock("heading", " ".join(f"{label} {text}".split()), level)
        elif label or style in self.lists or (properties is not None and properties.find(_W + "numPr") is not None):
            yield ParsedBlock("list", f"{label or '-'} {text}")
        else:
            yield ParsedBlock("paragraph", text)

    def _boxes(self, paragraph: Any) -> Iterator[ParsedBlock]:
        """Yield the text boxes that are anchored in a paragraph."""
        for box in _drawn(paragraph):
            yield from self.blocks(box)

    def _said_below(self, element: Any) -> Iterator[ParsedBlock]:
        """Yield the notes to which a paragraph or table refers."""
        for mark in element.iter(_W + "footnoteReference", _W + "endnoteReference") if self.notes else ():
            note = self.notes.pop((mark.tag, mark.get(_W + "id") or ""), None)
            words = " ".join(_words(map(self._text, note.iter(_W + "p")))) if note is not None else ""
            if words:
                yield ParsedBlock("paragraph", f"Note: {words}")

    def _rows(self, table: Any) -> Iterator[list[tuple[str, int, int]]]:
        """Yield the rows as cells of (text, columns, rows); a cell continued from the row above counts there."""
        open_cells: dict[int, tuple[list[tuple[str, int, int]], int]] = {}  # by column: row and index of the open cell
        rows: list[list[tuple[str, int, int]]] = []
        for row in _inner(table, "tr"):
            cells: list[tuple[str, int, int]] = []
            column = 0
            for cell in _inner(row, "tc"):
                properties = cell.find(_W + "tcPr")
                merge = properties.find(_W + "vMerge") if properties is not None else None
                column_span = int(span) if (span := read_child_value(properties, "gridSpan") or "1").isdecimal() else 1
                if merge is not None and merge.get(_W + "val") != "restart" and column in open_cells:
                    above, at = open_cells[column]
                    above[at] = (*above[at][:2], above[at][2] + 1)
                else:
                    open_cells[column] = cells, len(cells)
                    cells.append((self._cell(cell), column_span, 1))
                column += column_span
            rows.append(cells)
        yield from rows

    def _cell(self, cell: Any) -> str:
        """Return the text of a cell with that of its text boxes and nested tables, each paragraph once."""
        return " ".join(_words(f"{self.numbers.label(one)} {self._text(one)}" for one in _paragraphs(cell)))

    def around(self, trees: Iterable[tuple[str, Any]]) -> Iterator[ParsedBlock]:
        """Yield headers and footers as paragraphs, each text once."""
        texts: dict[str, None] = {}
        for kind, tree in trees:
            lines = [(self._text(paragraph), counted) for paragraph, counted in strip_page_numbers(tree)]
            words = " ".join(_words(text for text, counted in lines if not counted or len(text.split()) > LEFT_OVER))
            if words:
                texts[f"{kind}: {words}"] = None
        yield from (ParsedBlock("paragraph", text) for text in texts)

    def _text(self, element: Any) -> str:
        """Return the visible text below an element, in order, without that of text boxes."""
        parts: list[str] = []
        stack = [element]
        while stack:
            node = stack.pop()
            if node.tag == _W + "t":
                parts.append(node.text or "")
            elif node.tag == MATH:
                parts.append(format_formula(node))
            elif node.tag in _GAPS:
                parts.append(_GAPS[node.tag])
            elif node.tag not in _SKIPPED and not (node.tag == _W + "r" and self.hidden.hides(node)):
                stack.extend(reversed(node))
        return "".join(parts)


def _drawn(element: Any) -> list[Any]:
    """Return the outermost text boxes in an element, without their fallbacks for older programs."""
    drawings, stack = [], list(reversed(element))
    while stack:
        node = stack.pop()
        if node.tag == _BOX:
            drawings.append(node)
        elif node.tag not in _SKIPPED:
            stack.extend(reversed(node))
    return drawings


def _paragraphs(element: Any) -> Iterator[Any]:
    """Yield all paragraphs below an element, those in text boxes after the one that anchors them."""
    for child in element:
        if child.tag == _W + "p":
            yield child
            for box in _drawn(child):
                yield from _paragraphs(box)
        elif child.tag not in _SKIPPED:
            yield from _paragraphs(child)


def _words(texts: Iterable[str]) -> Iterator[str]:
    return (words for text in texts if (words := " ".join(text.split())))


def _inner(parent: Any, name: str) -> Iterator[Any]:
    """Yield the rows of a table or the cells of a row, without those of nested tables."""
    for child in parent:
        if child.tag == _W + name:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _inner(child, name)
