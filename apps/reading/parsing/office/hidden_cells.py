"""Find cells of a workbook that no reader sees: in hidden rows and columns, white on nothing, or formatted as nothing.

calamine gives values only, so the XML of an XLSX sheet is searched with regular expressions, without parsing it. Rows
hidden by a filter count as visible: a filter is a view of the table that its owner can remove.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import lxml.etree

from apps.reading.parsing.common.zip_archive import BoundedZipFile

PALEST = 240  # of 255, in each colour, from which a colour counts as white
SMALLEST = 1.0  # points; text of this size or smaller is not meant to be read
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_COLUMN = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)>")
_FILTER = re.compile(rb"<(?:\w+:)?autoFilter\b")
_SAYS = re.compile(rb"""\b([\w:]+)\s*=\s*["']([^"']*)["']""")
_PLACE = re.compile(rb"([A-Z]{1,3})(\d{1,7})")
_SHOWS_NOTHING = re.compile(r"\s*;\s*;\s*(;\s*)?")
MOST_MARKS = 1_000_000  # hidden single cells recorded per sheet
MOST_ROWS = 100_000  # hidden rows recorded per sheet of an ODS file
MOST_BYTES = 100_000_000  # of one sheet, unpacked; larger sheets are not searched


@dataclass(slots=True)
class HiddenCells:
    """Hidden rows, columns (as ranges) and single cells (row, column) of a sheet, counted from 0."""

    rows: set[int] = field(default_factory=set)
    columns: list[range] = field(default_factory=list)
    cells: set[tuple[int, int]] = field(default_factory=set)

    def hides(self, row: int, column: int) -> bool:
        """Return whether the cell is hidden."""
        return row in self.rows or (row, column) in self.cells or any(column in some for some in self.columns)

    def __bool__(self) -> bool:
        return bool(self.rows or self.columns or self.cells)


def find_hidden_cells(path: str) -> dict[str, HiddenCells]:
    """Return the hidden cells by name of the sheet; {} for other formats than XLSX and ODS, or an unusual structure."""
    try:
        with BoundedZipFile(path) as archive:
            if (content := archive.read_xml("content.xml")) is not None:
                return _read_ods_sheets(content)
            pale = _find_white_styles(archive.read_xml("xl/styles.xml"))
            return {name: _read_xlsx_sheet(archive.read(part), pale) for name, part in _list_xlsx_sheets(archive)}
    except (zipfile.BadZipFile, KeyError, lxml.etree.XMLSyntaxError, ValueError, OSError):
        return {}


def _read_ods_sheets(content: Any) -> dict[str, HiddenCells]:
    """Return the hidden cells by name of the sheet."""
    return {table.get(_TABLE + "name") or "": _read_ods_sheet(table) for table in content.iter(_TABLE + "table")}


def _read_ods_sheet(table: Any) -> HiddenCells:
    cells, row, column = HiddenCells(), 0, 0
    for node in table.iter(_TABLE + "table-row", _TABLE + "table-column"):
        hidden = node.get(_TABLE + "visibility") == "collapse"
        if node.tag == _TABLE + "table-column":
            times = _times(node, "columns")
            cells.columns += [range(column, column + times)] if hidden else []
            column += times
        else:
            times = _times(node, "rows")
            if hidden and len(cells.rows) < MOST_ROWS:
                cells.rows |= set(range(row, row + min(times, MOST_ROWS)))
            row += times
    return cells


def _times(node: Any, attribute: str) -> int:
    told = node.get(f"{_TABLE}number-{attribute}-repeated", "1")
    return int(told) if told.isdecimal() and len(told) < 9 else 1


def _list_xlsx_sheets(archive: BoundedZipFile) -> Iterator[tuple[str, str]]:
    """Yield name and part of each sheet."""
    book, relations = archive.read_xml("xl/workbook.xml"), archive.read_xml("xl/_rels/workbook.xml.rels")
    if book is None or relations is None:
        return
    parts = {node.get("Id"): (node.get("Target") or "").lstrip("/").removeprefix("xl/") for node in relations}
    for sheet in book.iter(_MAIN + "sheet"):
        part = f"xl/{parts.get(sheet.get(_ID), '')}"
        if part in archive.namelist() and archive.getinfo(part).file_size <= MOST_BYTES:
            yield sheet.get("name") or "", part


def _read_xlsx_sheet(sheet: bytes, white_styles: set[bytes]) -> HiddenCells:
    hidden = HiddenCells()
    for match in _COLUMN.finditer(sheet):
        says = dict(_SAYS.findall(match[1]))
        if says.get(b"hidden") in {b"1", b"true"}:
            hidden.columns.append(range(int(says[b"min"]) - 1, int(says[b"max"])))
    if b"hidden" in sheet and not _FILTER.search(sheet):
        rows = (dict(_SAYS.findall(match[1])) for match in _ROW.finditer(sheet) if b"hidden" in match[1])
        hidden.rows = {int(says[b"r"]) - 1 for says in rows if says.get(b"hidden") in {b"1", b"true"} and b"r" in says}
    if white_styles:
        for match in _CELL.finditer(sheet):
            says = dict(_SAYS.findall(match[1]))
            reference = _PLACE.fullmatch(says.get(b"r", b""))
            if says.get(b"s") in white_styles and reference and len(hidden.cells) < MOST_MARKS:
                hidden.cells.add((int(reference[2]) - 1, _number(reference[1])))
    return hidden


def _number(letters: bytes) -> int:
    """Return the number of a column, from 0, of its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _find_white_styles(styles: Any) -> set[bytes]:
    """Return the numbers of the styles whose cells show nothing."""
    if styles is None:
        return set()
    fonts = [_is_white(font) for font in styles.findall(f"{_MAIN}fonts/{_MAIN}font")]
    filled = [_is_filled(fill) for fill in styles.findall(f"{_MAIN}fills/{_MAIN}fill")]
    empty = {
        form.get("numFmtId")
        for form in styles.iter(_MAIN + "numFmt")
        if _SHOWS_NOTHING.fullmatch(form.get("formatCode") or "")
    }
    white = set()
    for at, cell_format in enumerate(styles.findall(f"{_MAIN}cellXfs/{_MAIN}xf")):
        font, fill = int(cell_format.get("fontId") or 0), int(cell_format.get("fillId") or 0)
        pale = font < len(fonts) and fonts[font] and not (fill < len(filled) and filled[fill])
        if pale or cell_format.get("numFmtId") in empty:
            white.add(str(at).encode())
    return white


def _is_white(font: Any) -> bool:
    color, size = font.find(_MAIN + "color"), font.find(_MAIN + "sz")
    if size is not None and float(size.get("val") or 11) <= SMALLEST:
        return True
    if color is None:
        return False
    if color.get("theme") is not None:
        return color.get("theme") == "0" and float(color.get("tint") or 0) > -0.06
    code = (color.get("rgb") or "")[-6:]
    return len(code) == 6 and all(part >= PALEST for part in bytes.fromhex(code))


def _is_filled(fill: Any) -> bool:
    pattern = fill.find(_MAIN + "patternFill")
    return fill.find(_MAIN + "gradientFill") is not None or (
        pattern is not None and (pattern.get("patternType") or "none") != "none"
    )
