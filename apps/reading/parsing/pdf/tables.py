"""Detect tables on a PDF page, as lines whose cells are aligned, and write them into its text. Pure.

A page knows no cells, so separators are inserted: column names before cells, as in other formats, or a bar between
cells without names. Inserted characters have no place on the page: their index is NO_CHAR_INDEX.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from apps.lib.text.sentences import BULLETS
from apps.reading.parsing.common.tables import is_header, is_value, names_amount
from apps.reading.parsing.pdf.columns import LineCell

_AMOUNT = re.compile(r"\d\s*%|[$€£]\s*\d|:$")
_LINE_END = re.compile("[\r\n]")
_LIST_MARKER = re.compile(rf"[{BULLETS}-]|\(?(?:\d{{1,2}}|[a-z]|[ivx]{{1,4}})[.)]")
_NUMBERING = re.compile(rf"{_LIST_MARKER.pattern}|\[\w+\]|(?:[A-Z]|\d{{1,3}})(?:\.\d{{1,3}})*\.?")
TABLE_ROWS = 3  # rows of a table, at least
RECENT_ROWS = 5  # last rows with which the next is compared, as not each has a cell in every column
MOST_CELLS = 100  # in a row of a table
SURE_CELLS = 3  # cells in each row from which a header and one row suffice
MOST_LINES = 40  # of a row with wrapped cells
MOST_FIRST_LINES = 6  # of a wrapped cell with which a row begins
BROKEN_LINES = 3  # between two parts of a table of which some row could not be read
NO_CHAR_INDEX = -1  # index of a character that is not on the page

Rows = Sequence[Sequence[LineCell]]
Insert = tuple[int, str]  # position in the text, and the text to insert before it
IsBold = Callable[[LineCell], bool]


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


def join_wrapped_cells(text: str, rows: Rows) -> list[list[LineCell]]:
    """Return the lines of a page with those of one table row joined, which is drawn cell by cell.

    A line belongs to the cell before it if it stands just below, aligned. It is the next cell if it stands to the right
    of the row, between its top and bottom, or if with its own lines below it has the same middle.
    """
    joined, at = list[list[LineCell]](), 0
    while at < len(rows):
        row, count = _join_row(text, rows[at : at + MOST_LINES])
        joined.append(row)
        at += count
    return joined


def _join_row(text: str, lines: Rows) -> tuple[list[LineCell], int]:
    """Return the row that begins with the first line, and its number of lines."""
    row, count = list(lines[0]), 1
    result = list(row), count
    while count < len(lines):
        line = lines[count]
        if _wraps(row[-1], line[0]) and (len(row) == 1 or line[0].left >= row[-2].right):
            grown, right_cells, count = [*row[:-1], _join_lines(row[-1], line[0])], line[1:], count + 1
        else:
            cell, count = _read_cell(lines, count)
            grown, right_cells = row, [cell, *lines[count - 1][1:]]
        is_list = len(row) == 2 and _NUMBERING.fullmatch(_words(text, row[0]))
        if (
            not _stand_beside(grown, right_cells)
            or is_list
            or (len(grown) == 1 and not _begins_row(grown[0], right_cells))
        ):
            break
        row = [*grown, *right_cells]
        if len(row) > 1:
            result = list(row), count
    return result


def _read_cell(lines: Rows, at: int) -> tuple[LineCell, int]:
    """Return the wrapped cell that begins with a line, and the number of the line after it."""
    cell, after = lines[at][0], at + 1
    while len(lines[after - 1]) == 1 and after < len(lines) and _wraps(cell, lines[after][0]):
        cell, after = _join_lines(cell, lines[after][0]), after + 1
    return cell, after


def _begins_row(first: LineCell, right_cells: Sequence[LineCell]) -> bool:
    """Return whether a wrapped cell may begin a row: it goes on, or the next cell has its top or its middle."""
    if not right_cells:
        return first.lines < MOST_FIRST_LINES
    apart = min(abs(right_cells[0].middle - first.middle), abs(right_cells[0].top - first.top))
    return apart <= 0.4 * first.line_height


def _wraps(cell: LineCell, line: LineCell) -> bool:
    """Return whether a line stands just below a cell, and is aligned with it."""
    height = line.line_height
    return (
        -0.5 * height <= cell.bottom - line.top <= 0.6 * height
        and 0.7 < height / max(cell.line_height, 0.01) < 1.4
        and _aligned(cell, line)
    )


def _join_lines(cell: LineCell, line: LineCell) -> LineCell:
    left, right = min(cell.left, line.left), max(cell.right, line.right)
    return LineCell(
        cell.start, line.end, left, min(cell.bottom, line.bottom), right, max(cell.top, line.top), cell.lines + 1
    )


def _stand_beside(row: Sequence[LineCell], cells: Sequence[LineCell]) -> bool:
    """Return whether cells stand to the right of all cells of a row, between its top and bottom or around its
    middle."""
    right, bottom, top = (
        max(cell.right for cell in row),
        min(cell.bottom for cell in row),
        max(cell.top for cell in row),
    )
    return all(
        cell.left >= right
        and (bottom < cell.middle < top or abs(cell.middle - (bottom + top) / 2) < 0.4 * cell.line_height)
        for cell in cells
    )


def write_tables(
    text: str, char_indexes: Sequence[int], rows: Rows, is_bold: IsBold | None = None
) -> tuple[str, list[int], list[tuple[int, int]]]:
    """Return the text with its tables written out, the index of each character, and the span of each table.

    A list is no table, but has spaces where a table would have bars: so offsets into texts stored before still hold.
    """
    tables = find_tables(text, rows, is_bold)
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


def find_tables(text: str, rows: Rows, is_bold: IsBold | None = None) -> list[DetectedTable]:
    """Return the tables of a page from top to bottom. `is_bold` tells of a cell, which marks a row as header."""
    tables, first, done = list[DetectedTable](), 0, -BROKEN_LINES - 1
    for at in range(1, len(rows) + 1):
        if at < len(rows) and _continues_table(rows, first, at):
            continue
        full = [row for row in rows[first:at] if len(row) > 1]
        broken = first - done <= BROKEN_LINES and _has_columns_of(tables[-1], rows[first])
        has_names = len(full) > 1 and len(rows[first]) > 1 and _names_columns(text, rows[first:at], is_bold, broken)
        enough = TABLE_ROWS - (has_names and min(map(len, full)) >= SURE_CELLS)
        if len(full) >= enough:
            tables.append(DetectedTable(rows[first] if has_names else None, rows[first + has_names : at]))
            done = at
        first = at
    return tables


def _has_columns_of(table: DetectedTable, row: Sequence[LineCell]) -> bool:
    cells = [cell for above in table.rows[-RECENT_ROWS:] for cell in above]
    return all(any(_aligned(other, cell) for other in cells) for cell in row)


def _continues_table(rows: Rows, first: int, at: int) -> bool:
    """Return whether a line is a row of the table that begins with line `first`, or names a group of rows in it."""
    above = [rows[first], *rows[max(first, at - RECENT_ROWS) : at]]
    full = [row for row in above if len(row) > 1]
    if len(rows[at]) > 1 or not full or at + 1 == len(rows):
        return bool(full) and _one_table(full, rows[at], rows[at - 1])
    title, (name, second) = rows[at][0], full[-1][:2]
    return (
        len(rows[at - 1]) > 1
        and abs(title.left - name.left) < 0.6 * title.line_height
        and title.right < second.left
        and _gap(rows[at - 1], rows[at]) < title.line_height
        and _gap(rows[at], rows[at + 1]) < title.line_height
        and _one_table(full, rows[at + 1], rows[at])
    )


def _inserts(text: str, table: DetectedTable) -> Iterator[Insert]:
    """Yield the insertions for a table, in the order of the text."""
    separator = "  " if table.is_list(text) else " |"
    for row in [*([table.header] if table.header else []), *table.rows]:
        before, last = None, None
        named = table.header is not None and row is not table.header and not _names_amount(text, row, table.header)
        for cell in row:
            name = _name(cell, table.header) if table.header and named else None
            if before is not None and name is None and text[before.end - 1] != ":":
                yield before.end, separator
            elif before is not None and name is not None and name is not last:
                yield before.end, ";"
            if name is not None and name is not last and _words(text, name) != _words(text, cell):
                yield cell.start, f"{_words(text, name).rstrip(':')}: "
            before, last = cell, name


def _names_amount(text: str, row: Sequence[LineCell], header: Sequence[LineCell]) -> bool:
    cells = dict.fromkeys(header, "")
    for cell in row:
        if (name := _name(cell, header)) is not None:
            cells[name] += _words(text, cell)
    return names_amount(list(cells.values()))


def _words(text: str, cell: LineCell) -> str:
    return " ".join(text[cell.start : cell.end].split())


def _name(cell: LineCell, head: Sequence[LineCell]) -> LineCell | None:
    """Return the column name above a cell: the one that begins where it begins, else the one that overlaps it most,
    else the nearest; None to the left of all names, where rows are named."""
    if cell.right < head[0].left:
        return None

    def distance(name: LineCell) -> tuple[bool, float]:
        return abs(name.left - cell.left) > 0.3 * cell.line_height, max(name.left, cell.left) - min(
            name.right, cell.right
        )

    return min(head, key=distance)


def _names_columns(text: str, rows: Rows, is_bold: IsBold | None, broken: bool) -> bool:
    """Return whether the first row names the columns: labels, which are bold or have only values below one.

    Only bold counts if the first row may be a row of a table that was `broken` above it.
    """
    head, below = rows[0], rows[1:]
    names = [_words(text, cell) for cell in head]
    if not is_header(names) or any(map(_AMOUNT.search, names)) or len(head) < max(map(len, below)) - 1:
        return False
    if is_bold and all(map(is_bold, head)) and 2 * sum(all(map(is_bold, row)) for row in below) < len(below):
        return True
    columns: dict[LineCell, list[str]] = {name: [] for name in head}
    for cell in (cell for row in below for cell in row):
        if (name := _name(cell, head)) is not None:
            columns[name].append(_words(text, cell))
    return not broken and any(
        cells and all(map(is_value, cells)) and not is_value(_words(text, name)) for name, cells in columns.items()
    )


def _one_table(above: Rows, below: Sequence[LineCell], before: Sequence[LineCell]) -> bool:
    """Return whether a line is a row of the table above: at least two of its cells are aligned with cells there.

    `before` is the line just above it.
    """
    if not (len(above[-1]) <= MOST_CELLS and 2 <= len(below) <= MOST_CELLS):
        return False
    height = max(cell.line_height for cell in before)
    if before[0].middle <= below[0].middle or _gap(before, below) >= 3 * height:
        return False
    cells = [cell for row in above for cell in row]
    return sum(any(_aligned(cell, other) for other in cells) for cell in below) >= 2


def _gap(above: Sequence[LineCell], below: Sequence[LineCell]) -> float:
    return min(cell.bottom for cell in above) - max(cell.top for cell in below)


def _aligned(first: LineCell, second: LineCell) -> bool:
    tolerance = 0.6 * second.line_height
    lefts, rights = abs(first.left - second.left), abs(first.right - second.right)
    return (
        lefts < tolerance
        or rights < tolerance
        or abs((first.left + first.right) - (second.left + second.right)) / 2 < tolerance
    )
