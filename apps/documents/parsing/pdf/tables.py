"""Detect tables on a PDF page, as lines whose cells are aligned, and write them into its text. Pure.

A page knows no cells, so separators are inserted: column names before cells, as in other formats, or a bar between
cells without names. Inserted characters have no place on the page: their index is NO_CHAR_INDEX.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.documents.parsing.common.tables import is_header
from apps.documents.parsing.pdf.columns import LineCell
from apps.lib.text.sentences import BULLETS

_AMOUNT = re.compile(r"\d\s*%|[$€£]\s*\d|:$")
_LINE_END = re.compile("[\r\n]")
_DIGIT = re.compile(r"\d")
_LIST_MARKER = re.compile(rf"[{BULLETS}-]|\(?(?:\d{{1,2}}|[a-z]|[ivx]{{1,4}})[.)]")
TABLE_ROWS = 3  # rows of a table, at least
RECENT_ROWS = 5  # last rows with which the next is compared, as not each has a cell in every column
MOST_CELLS = 100  # in a row of a table
SURE_CELLS = 3  # cells in each row from which a header and one row suffice
NO_CHAR_INDEX = -1  # index of a character that is not on the page

Rows = Sequence[Sequence[LineCell]]
Insert = tuple[int, str]  # position in the text, and the text to insert before it


@dataclass(frozen=True, slots=True)
class DetectedTable:
    """Table with its rows; `header` is the row of column names, None if there is none."""

    header: Sequence[LineCell] | None
    rows: Rows

    @property
    def start(self) -> int:
        return (self.header or self.rows[0])[0].start

    @property
    def end(self) -> int:
        return self.rows[-1][-1].end

    def is_list(self, text: str) -> bool:
        """Return whether it is a list of which each item stands apart from its number or bullet."""
        return self.header is None and all(
            len(row) == 2 and _LIST_MARKER.fullmatch(_words(text, row[0])) for row in self.rows
        )


def write_tables(text: str, char_indexes: Sequence[int], rows: Rows) -> tuple[str, list[int], list[tuple[int, int]]]:
    """Return the text with its tables written out, the index of each character, and the span of each table.

    A list is no table, but has spaces where a table would have bars: so offsets into texts stored before still hold.
    """
    tables = find_tables(text, rows)
    text = _in_lines(text, tables)
    inserts = [insert for table in tables for insert in _inserts(text, table)]
    parts, indexes, done = list[str](), list[int](), 0
    for position, inserted in inserts:
        parts += [text[done:position], inserted]
        indexes += [*char_indexes[done:position], *[NO_CHAR_INDEX] * len(inserted)]
        done = position
    positions = [position for position, _ in inserts]
    lengths = [0]
    for _, inserted in inserts:
        lengths.append(lengths[-1] + len(inserted))

    def shift(position: int) -> int:
        return position + lengths[bisect_left(positions, position)]

    spans = [(shift(table.start), shift(table.end)) for table in tables if not table.is_list(text)]
    return "".join([*parts, text[done:]]), [*indexes, *char_indexes[done:]], spans


def _in_lines(text: str, tables: Sequence[DetectedTable]) -> str:
    """Return the text with one line per table row, also if its cells were drawn on several lines."""
    parts, done = [], 0
    for row in (row for table in tables for row in [*([table.header] if table.header else []), *table.rows]):
        start, end = row[0].start, row[-1].end
        parts += [text[done:start], _LINE_END.sub(" ", text[start:end])]
        done = end
    return "".join([*parts, text[done:]])


def find_tables(text: str, rows: Rows) -> list[DetectedTable]:
    """Return the tables of a page from top to bottom."""
    tables, first = [], 0
    for at in range(1, len(rows) + 1):
        if at < len(rows) and _one_table([rows[first], *rows[max(first, at - RECENT_ROWS) : at]], rows[at]):
            continue
        has_names = at - first > 1 and _names_columns([[_words(text, cell) for cell in row] for row in rows[first:at]])
        enough = TABLE_ROWS - (has_names and min(map(len, rows[first:at])) >= SURE_CELLS)
        if at - first >= enough and max(map(len, rows[first:at])) > 1:
            tables.append(DetectedTable(rows[first] if has_names else None, rows[first + has_names : at]))
        first = at
    return tables


def _inserts(text: str, table: DetectedTable) -> Iterator[Insert]:
    """Yield the insertions for a table, in the order of the text."""
    separator = "  " if table.is_list(text) else " |"
    for row in [*([table.header] if table.header else []), *table.rows]:
        before, last = None, None
        for cell in row:
            name = _name(text, cell, table.header) if table.header and row is not table.header else None
            if before is not None and name is None and text[before.end - 1] != ":":
                yield before.end, separator
            elif before is not None and name is not None and name is not last:
                yield before.end, ";"
            if name is not None and name is not last and _words(text, name) != _words(text, cell):
                yield cell.start, f"{_words(text, name).rstrip(':')}: "
            before, last = cell, name


def _words(text: str, cell: LineCell) -> str:
    return " ".join(text[cell.start : cell.end].split())


def _name(text: str, cell: LineCell, head: Sequence[LineCell]) -> LineCell | None:
    """Return the column name above a cell: the one that overlaps it most, else the nearest."""

    def distance(name: LineCell) -> float:
        return max(name.left, cell.left) - min(name.right, cell.right)

    return min(head, key=distance)


def _names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names the columns; with two columns, the second must then hold numbers."""
    names, data_rows = rows[0], rows[1:]
    if not is_header(names) or any(map(_AMOUNT.search, names)) or len(names) < max(map(len, data_rows)) - 1:
        return False
    return len(names) > 2 or all(_DIGIT.search(row[-1]) for row in data_rows)


def _one_table(above: Rows, below: Sequence[LineCell]) -> bool:
    """Return whether a line is a row of the table above: at least two of its cells are aligned with cells there."""
    last = above[-1]
    if not (2 <= len(last) <= MOST_CELLS and 2 <= len(below) <= MOST_CELLS) or not 0 < last[0].middle - below[
        0
    ].middle < 4 * _height(last):
        return False
    cells = [cell for row in above for cell in row]
    return sum(any(_aligned(cell, other) for other in cells) for cell in below) >= 2


def _aligned(first: LineCell, second: LineCell) -> bool:
    tolerance = 0.6 * (second.top - second.bottom)
    lefts, rights = abs(first.left - second.left), abs(first.right - second.right)
    return (
        lefts < tolerance
        or rights < tolerance
        or abs((first.left + first.right) - (second.left + second.right)) / 2 < tolerance
    )


def _height(row: Sequence[LineCell]) -> float:
    return max(cell.top - cell.bottom for cell in row)
