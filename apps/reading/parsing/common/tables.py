"""Write tables as lines that are readable alone: each cell with the name of its column. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from apps.reading.parsing.protocol import ParsedBlock

GROUP_CHARACTERS = 12_000  # of one block of rows
MOST_COLUMNS = 2_000  # of a row after its cells were repeated
HEADER_CHARACTERS = 10_000  # of all column names together, which are repeated in every row
NAME_CHARACTERS = 100  # of one column name, which is repeated before each cell
MOST_SPANNED = 40  # columns or rows over which one cell is repeated
LABEL_CHARACTERS = 80  # of a column name that nothing marks as such
FIELD_WORDS = 6  # of the label of a field, at most
LABEL_WORDS = 4  # words from which a cell with a full stop is a sentence and names no column
_NUMBER = re.compile(r"[\s\d.,:%€$£()+/-]+")
_CODE = re.compile(r"(?=\S*(?:[\d/\\_@=]|\w\.\w))\S+")  # one word with a digit or a sign of paths and names
_BEGINS_AS_NUMBER = re.compile(r"[^\w\s]{0,2}\d")


def make_table_blocks(rows: Iterable[Sequence[str]], header: Sequence[str] | None) -> Iterator[ParsedBlock]:
    """Yield the rows as table blocks, a line per row: "Name: cell; …" with a header, else "cell | cell".

    Empty cells and rows are left out. A header without rows becomes a line of its own.
    """
    names = [_cell(name)[:NAME_CHARACTERS] for name in header] if header else []
    if sum(map(len, names)) > HEADER_CHARACTERS:  # too long to be repeated in every row
        rows, names = chain([names], rows), []
    empty = True
    for block in group_lines(_line(names, row) for row in rows):
        empty = False
        yield block
    if empty and names:
        yield ParsedBlock("table", " | ".join(filter(None, names)))


def make_table_blocks_by_first_row(rows: Sequence[Sequence[str]]) -> Iterator[ParsedBlock]:
    """Yield the rows as table blocks; the first row is the header if it names columns: labels, and no sentences. A form
    has a line per row too, each value behind its label."""
    if is_form(rows):
        yield from make_form_blocks(rows)
        return
    named = len(rows) > 1 and is_header(rows[0]) and all(map(_is_label, rows[0]))
    yield from make_table_blocks(rows[1:] if named else rows, rows[0] if named else None)


def has_clear_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a first row that nothing marks as header names columns nevertheless: labels, unlike the rows
    below, as only numbers, codes or paths stand below one of them. Lists of options and definitions have no header."""
    if len(rows) < 2 or not is_header(rows[0]) or not all(map(_is_label, rows[0])):
        return False
    columns = [[row[at] for row in rows[1:] if at < len(row) and row[at]] for at in range(len(rows[0]))]
    return any(
        column and all(map(is_value, column)) and not is_value(name)
        for name, column in zip(rows[0], columns, strict=True)
    )


def is_form(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a table is a form: each second column holds labels, all different, and the one beside it what they
    name. The first row names no columns then, as it has a value, such as a date or a code; and a column has both values
    and words."""
    if len(rows) < 2 or any(len(row) % 2 or len(row) != len(rows[0]) for row in rows):
        return False
    labels = [cell for row in rows for cell in row[::2] if cell]
    if len(set(labels)) < len(labels) or any(is_value(cell) or not _is_name(cell) for cell in labels):
        return False
    columns = [[is_value(row[at]) for row in rows if row[at]] for at in range(1, len(rows[0]), 2)]
    return any(map(is_value, rows[0][1::2])) and any(len(set(column)) > 1 for column in columns)


def make_form_blocks(rows: Iterable[Sequence[str]]) -> Iterator[ParsedBlock]:
    """Yield the rows of a form as table blocks, "Label: value | Label: value" in a line. Labels without value are left
    out."""
    pairs = (zip(row[::2], row[1::2], strict=True) for row in rows)
    yield from make_table_blocks(
        ([f"{label.rstrip(' :')}: {value}" if label else value for label, value in row if value] for row in pairs), None
    )


def names_amount(cells: Sequence[str]) -> bool:
    """Return whether a row below a table holds nothing but an amount and its label, which stands in the column of other
    things: "", "", "Total", "45.00"."""
    held = [at for at, cell in enumerate(cells) if cell]
    return (
        len(held) == 2
        and held[0] > 0
        and held[1] == len(cells) - 1 > 1
        and begins_as_number(cells[held[1]])
        and not begins_as_number(cells[held[0]])
    )


def _is_name(cell: str) -> bool:
    return len(cell.split()) <= FIELD_WORDS and len(cell) <= LABEL_CHARACTERS and any(map(str.isalpha, cell))


def begins_as_number(cell: str) -> bool:
    """Return whether a cell begins with a number: "1,000", "512MB", "$3"."""
    return bool(_BEGINS_AS_NUMBER.match(cell))


def is_value(cell: str) -> bool:
    """Return whether a cell looks like a value and no name: "1,000", "512MB", "m168pb", "/dev/term/a", "a@b.org"."""
    return begins_as_number(cell) or bool(_CODE.fullmatch(cell))


def _is_label(cell: str) -> bool:
    """Return whether a cell may name a column: it is no sentence, and no name with a colon of the value beside it."""
    is_sentence = cell.endswith(".") and len(cell.split()) >= LABEL_WORDS
    return len(cell) <= LABEL_CHARACTERS and not is_sentence and not cell.endswith(":")


def join_hanging_rows(rows: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    """Return the rows of a table without header. In two columns, a long option or term that has a row of its own is
    joined with the row of its description, whose first cell is empty."""
    joined: list[Sequence[str]] = []
    for row in rows:
        if joined and len(row) == 2 and not row[0] and row[1] and joined[-1][0] and len(set(joined[-1]) - {""}) == 1:
            joined[-1] = [joined[-1][0], *row[1:]]
        else:
            joined.append(row)
    return joined


def group_lines(lines: Iterable[str]) -> Iterator[ParsedBlock]:
    """Yield the lines as table blocks of some GROUP_CHARACTERS each; empty lines are left out."""
    group: list[str] = []
    size = 0
    for line in filter(None, lines):
        group.append(line)
        size += len(line)
        if size > GROUP_CHARACTERS:
            yield ParsedBlock("table", "\n".join(group))
            group, size = [], 0
    if group:
        yield ParsedBlock("table", "\n".join(group))


def is_header(row: Sequence[str]) -> bool:
    """Return whether a first row names columns: all cells filled, all different, none a number.

    In rows of three and more the first cell may be empty, if the first column names the rows.
    """
    cells = [_cell(cell) for cell in row]
    named = cells if len(cells) < 3 or cells[0] else cells[1:]
    return len(named) > 1 and all(named) and len(set(named)) == len(named) and not any(map(_NUMBER.fullmatch, named))


def _line(names: Sequence[str], row: Sequence[str]) -> str:
    cells = [_cell(cell) for cell in row]
    if not names or names_amount(cells):
        return " | ".join(cell for cell in cells if cell)
    parts = []
    for at, cell in enumerate(cells):
        name = names[at] if at < len(names) else ""
        if cell:
            parts.append(f"{name.rstrip(' :')}: {cell}" if name and name != cell else cell)
    return "; ".join(parts)


def expand_spans(rows: Iterable[Iterable[tuple[str, int, int]]]) -> list[list[str]]:
    """Return rows of equal columns from cells of (text, columns, rows): a spanning cell is repeated in each place.

    A single cell in its row is a title and not repeated over its columns.
    """
    grid: list[list[str]] = []
    below: dict[int, tuple[str, int]] = {}  # by column: text of a spanning cell above, and the rows it still covers
    for cells in rows:
        row: list[str] = []
        told = list(cells)
        left, alone = iter(told), len(told) == 1 and not below  # a single cell across the table is a title
        open_cells, below = below, {}
        while True:
            if len(row) in open_cells:
                text, remaining_rows = open_cells.pop(len(row))
                column_span = 1
            elif (cell := next(left, None)) is not None:
                text, column_span, remaining_rows = (
                    cell[0],
                    min(max(cell[1], 1), MOST_SPANNED),
                    min(max(cell[2], 1), MOST_SPANNED),
                )
            else:
                break
            if len(row) > MOST_COLUMNS:
                continue  # spans are not repeated beyond this width
            for _ in range(1 if alone else column_span):
                if remaining_rows > 1:
                    below[len(row)] = text, remaining_rows - 1
                row.append(text)
        grid.append(row)
    return grid


def _cell(text: str) -> str:
    return " ".join(text.split())
