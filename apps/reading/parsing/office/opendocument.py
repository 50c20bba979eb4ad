"""Parser of OpenDocument texts and presentations from their XML: headings, lists, tables, and a page per slide."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import Any

import lxml.etree

from apps.lib.text import message_templates
from apps.reading.parsing.common.tables import expand_spans, make_table_blocks_by_first_row
from apps.reading.parsing.common.zip_archive import BoundedZipFile
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    SPEAKER_NOTES,
    PageCount,
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    ParseNotice,
    make_title,
    paginate,
    paginate_units,
)

LOCKED = "This document is protected by a password. Save a copy without the password and upload that."
DAMAGED = "This document is damaged or was cut off during a transfer. Open it, save it again and upload that."
MOST_REPEATED = 100  # repetitions of a cell or space that declares a count
MOST_DEEP = 200  # levels of nesting that are read
SMALLEST = 1.0  # points; text of this size or smaller is not meant to be read
_MANIFEST = "META-INF/manifest.xml"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_BACKGROUND = _FO + "background-color"


def _name(prefix: str, local: str) -> str:
    return f"{{urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0}}{local}"


_H, _P, _LIST, _ITEM = (_name("text", local) for local in ("h", "p", "list", "list-item"))
_TABLE, _ROW, _CELL = (_name("table", local) for local in ("table", "table-row", "table-cell"))
_PAGE, _NOTES, _FRAME = _name("drawing", "page"), _name("presentation", "notes"), _name("drawing", "frame")
_CLASS = _name("presentation", "class")
_GAPS = {_name("text", "tab"): "\t", _name("text", "line-break"): "\n"}
_SPACES = _name("text", "s")
_STYLE, _STYLED = _name("style", "style"), _name("text", "style-name")
_SKIPPED = {
    _name("text", "tracked-changes"), _name("office", "annotation"), _name("text", "hidden-text"),
    _name("text", "hidden-paragraph"), _name("office", "event-listeners"), _name("drawing", "object"),
    _name("text", "ruby-text"), _name("office", "forms"), _name("text", "note"),
}  # fmt: skip
_AROUND = {"page-number", "date-time", "footer", "header", "page"}  # frames of a slide without content of their own


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title, pages and notices of an OpenDocument text or presentation. Raises ParseError."""
    try:
        with BoundedZipFile(path) as archive:
            if _MANIFEST in archive.namelist() and b"encryption-data" in archive.read(_MANIFEST):
                raise ParseError(LOCKED)
            content, meta = archive.read_xml("content.xml"), archive.read_xml("meta.xml")
    except (zipfile.BadZipFile, KeyError, lxml.etree.XMLSyntaxError, OSError) as error:
        raise ParseError(DAMAGED) from error
    body = content.find(f"{_name('office', 'body')}/*") if content is not None else None
    if body is None:
        raise ParseError(DAMAGED)
    reader = _Reader(content)
    meta_title = meta.findtext(".//{http://purl.org/dc/elements/1.1/}title") if meta is not None else ""
    slides = list(body.iter(_PAGE))
    shown_slides = [page for page in slides if not reader.leaves_out(page)]
    if title := make_title(meta_title or "") or make_title(_first_heading(body)):
        yield title
    if slides:
        yield PageCount(len(shown_slides))
        yield from paginate_units((reader.slide(page) for page in shown_slides), limits)
    else:
        yield from paginate(reader.blocks(body), limits)
    if hidden := len(slides) - len(shown_slides):
        yield ParseNotice(message_templates.SLIDES_HIDDEN % {"count": hidden})
    if reader.hidden:
        yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)


def _first_heading(body: Any) -> str:
    heading = next(body.iter(_H), None)
    return "".join(heading.itertext()) if heading is not None else ""


def _paints(colour: str | None) -> bool:
    return colour not in {None, "transparent", "#ffffff"}


class _Reader:
    """Reader of one document with the styles that hide text. `hidden` is True once hidden text was seen."""

    def __init__(self, content: Any) -> None:
        self.hidden = False
        paints = any(_paints(node.get(_BACKGROUND)) for node in content.iter() if isinstance(node.tag, str))
        self._plain = not paints and next(content.iter(_PAGE), None) is None
        self._hidden_styles = {
            style.get(_name("style", "name"))
            for style in content.iter(_STYLE)
            for text_properties in style.iter(_name("style", "text-properties"))
            if self._hides(text_properties)
        }
        self._titles = {
            style.get(_name("style", "name"))
            for style in content.iter(_STYLE)
            if style.get(_name("style", "parent-style-name")) in {"Title", "Subtitle"}
        } | {"Title", "Subtitle"}

        self._hidden_sections = {
            style.get(_name("style", "name"))
            for style in content.iter(_STYLE)
            for text_properties in style.iter(_name("style", "drawing-page-properties"))
            if text_properties.get(_name("presentation", "visibility")) == "hidden"
        }
        self._yielded_notes = set[Any]()  # notes that were yielded

    def leaves_out(self, page: Any) -> bool:
        """Return whether a slide is hidden."""
        return page.get(_name("drawing", "style-name")) in self._hidden_sections

    def _unshown(self, section: Any) -> bool:
        """Return whether a section is hidden."""
        told = section.get(_name("text", "display"))
        hidden = bool(told == "none" or (told == "condition" and section.get(_name("text", "is-hidden")) == "true"))
        self.hidden |= hidden and any(words.strip() for words in section.itertext())
        return hidden

    def _hides(self, properties: Any) -> bool:
        """Return whether text with these properties is invisible; white text only if nothing is painted behind text."""
        size, colour = properties.get(_FO + "font-size") or "", properties.get(_FO + "color") or ""
        points = re.fullmatch(r"([\d.]+)pt", size)
        if properties.get(_name("text", "display")) == "none" or (points and float(points[1]) <= SMALLEST):
            return True
        return self._plain and re.fullmatch(r"#(?:f[0-9a-f]){3}", colour.lower()) is not None

    def slide(self, page: Any) -> Iterator[ParsedBlock]:
        """Yield the blocks of a slide, title first, speaker notes last."""
        frames = [frame for frame in page if frame.tag != _NOTES and frame.get(_CLASS) not in _AROUND]
        frames.sort(key=lambda frame: frame.get(_CLASS) not in {"title", "subtitle"})
        for at, frame in enumerate(frames):
            blocks = list(self.blocks(frame))
            if at == 0 and frame.get(_CLASS) == "title" and blocks:
                yield ParsedBlock("heading", " ".join(block.text for block in blocks), 1)
            else:
                yield from blocks
        notes = page.find(_NOTES)
        speaker_notes = (
            [b for f in notes if f.get(_CLASS) not in _AROUND for b in self.blocks(f)] if notes is not None else []
        )
        if speaker_notes:
            yield ParsedBlock("heading", SPEAKER_NOTES, 3)
            yield from speaker_notes

    def blocks(self, parent: Any, depth: int = 0, items: int = 0) -> Iterator[ParsedBlock]:
        """Yield the blocks below an element. `items` is the depth of the list around it, 0 outside of lists."""
        if depth > MOST_DEEP:
            return
        for child in parent:
            tag = child.tag
            if tag == _H:
                level = child.get(_name("text", "outline-level"), "1")
                yield from self._block("heading", child, int(level) if level.isdecimal() else 1)
                yield from self._notes_of(child)
            elif tag == _P:
                yield from self._paragraph(child, items, first=child is parent[0])
                yield from self._notes_of(child)
            elif tag == _TABLE:
                yield from self._table(child)
                yield from self._notes_of(child)
            elif tag not in _SKIPPED and isinstance(tag, str) and not self._unshown(child):
                yield from self.blocks(child, depth + 1, items + (tag == _LIST))

    def _paragraph(self, node: Any, items: int, *, first: bool) -> Iterator[ParsedBlock]:
        if items:
            words = self.text(node).strip()
            if words:
                yield ParsedBlock("list", "  " * (items - 1) + ("- " if first else "  ") + words)
        elif node.get(_STYLED) in self._titles:
            yield from self._block("heading", node, 1)
        else:
            yield from self._block("paragraph", node, 0)
        for frame in node.iter(_name("drawing", "text-box")):
            yield from self.blocks(frame)

    def _notes_of(self, node: Any) -> Iterator[ParsedBlock]:
        """Yield the notes to which a paragraph or table refers."""
        for note in node.iter(_name("text", "note")):
            if note not in self._yielded_notes:
                self._yielded_notes.add(note)
                words = " ".join(" ".join(self.text(line).split()) for line in note.iter(_P, _H))
                yield from [ParsedBlock("paragraph", f"Note: {words}")] if words else []

    def _block(self, kind: Any, node: Any, level: int) -> Iterator[ParsedBlock]:
        words = self.text(node).strip()
        if words and node.get(_STYLED) in self._hidden_styles:
            self.hidden, words = True, ""
        if words:
            yield ParsedBlock(kind, " ".join(words.split()) if level else words, level)

    def _table(self, table: Any) -> Iterator[ParsedBlock]:
        rows = expand_spans(self._row(row) for row in table.iter(_ROW) if next(row.iterancestors(_TABLE)) is table)
        yield from make_table_blocks_by_first_row([row for row in rows if any(row)])

    def _row(self, row: Any) -> Iterator[tuple[str, int, int]]:
        """Yield text, columns and rows of each cell; cells covered by others are left out."""
        for cell in row.iter(_CELL):
            if next(cell.iterancestors(_ROW)) is not row:
                continue
            times, column_span, high = (
                int(value) if (value := cell.get(_name("table", f"number-{name}"), "1")).isdecimal() else 1
                for name in ("columns-repeated", "columns-spanned", "rows-spanned")
            )
            words = " ".join(self.text(line) for line in cell.iter(_P, _H)).strip()
            for _ in range(min(times, MOST_REPEATED) if words else 1):
                yield words, column_span, high

    def text(self, node: Any) -> str:
        """Return the visible text below an element, without that of frames."""
        parts = [node.text or ""]
        stack: list[Any] = list(reversed(node))
        while stack:
            child = stack.pop()
            if isinstance(child, str):
                parts.append(child)
                continue
            stack.append(child.tail or "")
            if child.tag in _GAPS:
                parts.append(_GAPS[child.tag])
            elif child.tag == _SPACES:
                count = child.get(_name("text", "c"), "1")
                parts.append(" " * min(int(count) if count.isdecimal() else 1, MOST_REPEATED))
            elif child.get(_STYLED) in self._hidden_styles and child.get(_STYLED):
                self.hidden = True
            elif isinstance(child.tag, str) and child.tag not in _SKIPPED and child.tag != _FRAME:
                stack.extend(reversed(child))
                parts.append(child.text or "")
        return "".join(parts)
