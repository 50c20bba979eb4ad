"""Second implementation of text extraction, to compare the parsers with where there is no reference.

Only formats that state their text exactly are read; of a PDF, for example, any text is a guess. Text is Markdown,
tables with one line per row, as in a reference (`reference_text.normalise_text`).
"""

from __future__ import annotations

import csv
import email
import email.policy
import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import lxml.etree

_NO_TEXT = {"script", "style", "template", "noscript", "title", "head", "nav", "footer", "aside", "form", "svg", "math"}
_IN_LINE = {
    "a", "abbr", "b", "bdi", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "label", "mark", "q", "s",
    "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
}  # fmt: skip
_MARKUP = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
_HEADERS = ("Subject", "From", "To", "Cc", "Date", "Subject")  # the subject is the heading, too
_OMITTED = {"Fallback", "del", "moveFrom", "instrText", "delText", "annotation", "tracked-changes", "note"}


def read_independently(path: Path) -> str | None:
    """Return the text of a file as Markdown; None if the format does not state its text exactly."""
    read = _READERS.get(path.suffix.lower())
    return None if read is None else read(path)


def _source(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


def _markdown(path: Path) -> str:
    """Return the source without HTML, of which a reader sees the text only."""
    return _MARKUP.sub("", _source(path))


def _table(rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table with cells on one line; leading rows of a single cell become lines above it."""
    cells = [[" ".join(cell.replace("|", " ").split()) for cell in row] for row in rows]
    filled = [row for row in cells if any(row)]
    wide = [at for at, row in enumerate(filled) if sum(map(bool, row)) > 1]
    above = wide[0] if wide else len(filled)
    lines = ["".join(row) for row in filled[:above]]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in filled[above:])])


def _csv(path: Path) -> str:
    text = path.read_text(encoding="utf-8-sig")
    try:
        dialect: type[csv.Dialect] | str = csv.Sniffer().sniff(text, ",;\t|")
    except csv.Error:  # one column
        dialect = "excel"
    return _table(csv.reader(io.StringIO(text), dialect))


class _Page(HTMLParser):
    """Parser of the main text of a web page, with tables as Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._skipped: list[str] = []
        self._row: list[str] | None = None
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NO_TEXT or self._skipped:
            self._skipped += [tag] if tag in _NO_TEXT else []
        elif tag == "tr":
            self._row = []
        elif tag in {"td", "th"} and self._row is not None:
            self._row.append("")
        elif tag not in _IN_LINE:
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            if tag == self._skipped[-1]:
                self._skipped.pop()
        elif tag == "tr" and self._row is not None:
            self._rows.append(self._row)
            self._row = None
        elif tag == "table" and self._rows:
            self.parts.append(f"\n{_table(self._rows)}\n")
            self._rows = []
        elif tag not in _IN_LINE and tag not in {"td", "th"}:
            self.handle_data("\n\n")

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._row:
            self._row[-1] += data
        elif self._row is None:
            self.parts.append(data)


def _html(path: Path) -> str:
    return _said(path.read_text(encoding="utf-8-sig", errors="replace"))


def _said(markup: str) -> str:
    page = _Page()
    page.feed(markup)
    return "".join(page.parts)


def _eml(path: Path) -> str:
    """Return the visible text of a message, and its attached texts."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    head = [
        f"{name}: {message[name]}" if number else str(message[name])
        for number, name in enumerate(_HEADERS) if message[name]
    ]  # fmt: skip
    body = message.get_body(("plain", "html"))
    texts = []
    for part in [body, *message.iter_attachments()]:
        if part is not None and part.get_content_maintype() == "text":
            name = part.get_filename()
            text = part.get_content()
            texts += [name] if name else []
            texts.append(_said(text) if part.get_content_subtype() == "html" else text)
    return "\n\n".join([*head, *texts])


def _tree(archive: zipfile.ZipFile, name: str) -> Any:
    return lxml.etree.fromstring(archive.read(name), lxml.etree.XMLParser(resolve_entities=False, no_network=True))


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _attribute(element: Any, name: str) -> str:
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")


def _below(element: Any, names: set[str]) -> Iterator[Any]:
    """Yield the nearest descendants with one of these names."""
    for child in element:
        if _local(child) in names:
            yield child
        elif _local(child) not in _OMITTED:
            yield from _below(child, names)


def _words(element: Any) -> str:
    """Return the text of a paragraph of Word or PowerPoint."""
    return "".join(
        (one.text or "") if _local(one) == "t" else " " for one in _below(element, {"t", "tab", "br", "cr"})
    )  # fmt: skip


def _office(element: Any) -> Iterator[str]:
    """Yield paragraphs and tables of Word or PowerPoint, in the order of the file."""
    for one in _below(element, {"p", "tbl"}):
        if _local(one) == "p":
            yield _words(one)
        else:
            yield _table([
                [" ".join(map(_words, _below(cell, {"p"}))) for cell in _below(row, {"tc"})]
                for row in _below(one, {"tr"})
            ])  # fmt: skip


def _docx(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return "\n\n".join(_office(_tree(archive, "word/document.xml")))


def _targets(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """Return the parts that a part references, by the id of the reference."""
    folder, name = posixpath.split(part)
    place = f"{folder}/_rels/{name}.rels"
    rows = _tree(archive, place) if place in archive.namelist() else ()
    return {
        _attribute(row, "Id"): posixpath.normpath(posixpath.join(folder, _attribute(row, "Target"))).lstrip("/")
        for row in rows
    }  # fmt: skip


def _listed(archive: zipfile.ZipFile, part: str, name: str) -> Iterator[tuple[Any, str]]:
    """Yield slides or sheets in their order, with the name of the part that holds each."""
    targets = _targets(archive, part)
    for row in _tree(archive, part).iter():
        if _local(row) == name:
            key = next((value for attribute, value in row.items() if attribute.endswith("}id")), "")
            if targets.get(key) in archive.namelist():
                yield row, targets[key]


def _pptx(path: Path) -> str:
    parts: list[str] = []
    with zipfile.ZipFile(path) as archive:
        for _, slide in _listed(archive, "ppt/presentation.xml", "sldId"):
            parts += _office(_tree(archive, slide))
    return "\n\n".join(parts)


def _xlsx(path: Path) -> str:
    """Return the visible sheets, with values as stored."""
    parts: list[str] = []
    with zipfile.ZipFile(path) as archive:
        shared = []
        if "xl/sharedStrings.xml" in archive.namelist():
            rows = _below(_tree(archive, "xl/sharedStrings.xml"), {"si"})
            shared = ["".join(one.text or "" for one in _below(row, {"t"})) for row in rows]
        for row, sheet in _listed(archive, "xl/workbook.xml", "sheet"):
            if _attribute(row, "state") in {"", "visible"} and "/worksheets/" in sheet:
                parts += [_attribute(row, "name"), *_rows(_tree(archive, sheet), shared)]
    return "\n\n".join(parts)


def _rows(sheet: Any, shared: list[str]) -> Iterator[str]:
    """Yield the tables of a sheet, separated by empty rows; each cell in its column."""
    table: list[list[str]] = []
    last = 0
    for row in _below(sheet, {"row"}):
        cells: list[str] = []
        for cell in _below(row, {"c"}):
            cells += [""] * (_column(_attribute(cell, "r")) - len(cells))
            cells.append(_value(cell, shared))
        number = int(_attribute(row, "r") or last + 1)
        if table and (number > last + 1 or not any(cells)):
            yield _table(table)
            table = []
        table, last = [*table, cells], number
    yield _table(table)


def _column(place: str) -> int:
    """Return the index of a column: 0 for A1, 27 for AB3; 0 for a cell without a reference."""
    letters = [ord(char) - 64 for char in place if "A" <= char <= "Z"]
    return sum(letter * 26**at for at, letter in enumerate(reversed(letters))) - 1 if letters else 0


def _value(cell: Any, shared: list[str]) -> str:
    text = "".join(one.text or "" for one in _below(cell, {"v", "t"}))
    return shared[int(text)] if _attribute(cell, "t") == "s" else text


def _odt(path: Path) -> str:
    """Return paragraphs, headings and tables of an OpenDocument text."""
    with zipfile.ZipFile(path) as archive:
        body = next(one for one in _tree(archive, "content.xml").iter() if _local(one) == "text" and len(one))
    parts = []
    for one in _below(body, {"p", "h", "table"}):
        if _local(one) == "table":
            rows = _below(one, {"table-row"})
            parts.append(_table([" ".join(map(_plain, _below(c, {"p", "h"}))) for c in _below(r, {"table-cell"})]
                                for r in rows))  # fmt: skip
        else:
            parts.append(_plain(one))
    return "\n\n".join(parts)


def _plain(element: Any) -> str:
    """Return the text below an element, in order, with single spaces."""
    found = [element.text or ""]
    for child in element:
        if _local(child) not in _OMITTED:
            found.append(" " if _local(child) in {"s", "tab", "line-break"} else _plain(child))
        found.append(child.tail or "")
    return re.sub(r"\s+", " ", "".join(found))


_READERS: dict[str, Callable[[Path], str]] = {
    ".md": _markdown, ".txt": _source, ".csv": _csv, ".html": _html, ".eml": _eml, ".docx": _docx, ".pptx": _pptx,
    ".xlsx": _xlsx, ".odt": _odt,
}  # fmt: skip
