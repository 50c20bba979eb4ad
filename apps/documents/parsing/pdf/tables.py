"""Tables on a page of a PDF: lines whose cells stand below each other.

The page knows no cells, so what tells them apart is written into its text: the names of the columns before the cells,
as tables of all formats are written, or a bar between cells that have no names. What was written in has no place on
the page: its index is ABSENT.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.documents.parsing.common.tables import is_header
from apps.documents.parsing.pdf.columns import LineCell

_AMOUNT = re.compile(r"\d\s*%|[$€£]\s*\d|:$")
_LINE_END = re.compile("[\r\n]")
_DIGIT = re.compile(r"\d")
TABLE_ROWS = 3
RECENT_ROWS = 5  # that a further one is compared with: not each has a cell in every column
MOST_CELLS = 100  # in a row; more are no table that a person reads
SURE_CELLS = 3  # in each row, below names: then one row below them is a table too
NO_CHAR_INDEX = -1  # the index of a character that stands nowhere on the page

Rows = Sequence[Sequence[LineCell]]
Insert = tuple[int, str]  # before this character of the text


@dataclass(frozen=True, slots=True)
class DetectedTable:
    """Its rows among those of the page; `head` is the row that names the columns, where there is one."""

    head: Sequence[LineCell] | None
    rows: Rows

    @property
    def start(self) -> int:
        return (self.head or self.rows[0])[0].start

    @property
    def end(self) -> int:
        return self.rows[-1][-1].end


def write_tables(text: str, at: Sequence[int], rows: Rows) -> tuple[str, list[int], list[tuple[int, int]]]:
    """The text with its tables as they are read, the index of each character, and the span of each table."""
    found = find_tables(text, rows)
    text = _in_lines(text, found)
    inserts = [insert for table in found for insert in _inserts(text, table)]
    parts, indexes, done = list[str](), list[int](), 0
    for place, words in inserts:
        parts += [text[done:place], words]
        indexes += [*at[done:place], *[NO_CHAR_INDEX] * len(words)]
        done = place
    places = [place for place, _ in inserts]
    lengths = [0]
    for _, words in inserts:
        lengths.append(lengths[-1] + len(words))

    def moved(place: int) -> int:
        return place + lengths[bisect_left(places, place)]

    spans = [(moved(table.start), moved(table.end)) for table in found]
    return "".join([*parts, text[done:]]), [*indexes, *at[done:]], spans


def _in_lines(text: str, found: Sequence[DetectedTable]) -> str:
    """The text with a line for each row of a table, also where its cells were drawn on lines of their own."""
    parts, done = [], 0
    for row in (row for table in found for row in [*([table.head] if table.head else []), *table.rows]):
        start, end = row[0].start, row[-1].end
        parts += [text[done:start], _LINE_END.sub(" ", text[start:end])]
        done = end
    return "".join([*parts, text[done:]])


def find_tables(text: str, rows: Rows) -> list[DetectedTable]:
    """The tables of a page, from top to bottom."""
    found, first = [], 0
    for at in range(1, len(rows) + 1):
        if at < len(rows) and _one_table([rows[first], *rows[max(first, at - RECENT_ROWS) : at]], rows[at]):
            continue
        named = at - first > 1 and _names_columns([[_words(text, cell) for cell in row] for row in rows[first:at]])
        enough = TABLE_ROWS - (named and min(map(len, rows[first:at])) >= SURE_CELLS)
        if at - first >= enough and max(map(len, rows[first:at])) > 1:
            found.append(DetectedTable(rows[first] if named else None, rows[first + named : at]))
        first = at
    return found


def _inserts(text: str, table: DetectedTable) -> Iterator[Insert]:
    """What is written into the text of a table, in the order of the text."""
    for row in [*([table.head] if table.head else []), *table.rows]:
        before, last = None, None
        for cell in row:
            name = _name(text, cell, table.head) if table.head and row is not table.head else None
            if before is not None and name is None and text[before.end - 1] != ":":
                yield before.end, " |"
            elif before is not None and name is not None and name is not last:
                yield before.end, ";"
            if name is not None and name is not last and _words(text, name) != _words(text, cell):
                yield cell.start, f"{_words(text, name).rstrip(':')}: "
            before, last = cell, name


def _words(text: str, cell: LineCell) -> str:
    return " ".join(text[cell.start : cell.end].split())


def _name(text: str, cell: LineCell, head: Sequence[LineCell]) -> LineCell | None:
    """The name of the column in which a cell stands: the one that it shares most with, else the nearest."""

    def apart(name: LineCell) -> float:
        return max(name.left, cell.left) - min(name.right, cell.right)

    return min(head, key=apart)


def _names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns of the others; of two columns the second has to hold numbers then."""
    names, others = rows[0], rows[1:]
    if not is_header(names) or any(map(_AMOUNT.search, names)) or len(names) < max(map(len, others)) - 1:
        return False
    return len(names) > 2 or all(_DIGIT.search(row[-1]) for row in others)


def _one_table(above: Rows, below: Sequence[LineCell]) -> bool:
    """Whether a line is a row of the table above: at least two of its cells stand below some of the rows there."""
    last = above[-1]
    if not (2 <= len(last) <= MOST_CELLS and 2 <= len(below) <= MOST_CELLS) or not 0 < last[0].middle - below[
        0
    ].middle < 4 * _height(last):
        return False
    cells = [cell for row in above for cell in row]
    return sum(any(_aligned(cell, other) for other in cells) for cell in below) >= 2


def _aligned(one: LineCell, other: LineCell) -> bool:
    near = 0.6 * (other.top - other.bottom)
    lefts, rights = abs(one.left - other.left), abs(one.right - other.right)
    return lefts < near or rights < near or abs((one.left + one.right) - (other.left + other.right)) / 2 < near


def _height(row: Sequence[LineCell]) -> float:
    return max(cell.top - cell.bottom for cell in row)
