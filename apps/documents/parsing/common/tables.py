"""Tables as lines that can be read alone: every cell with its column's name, also in a passage cut out of the table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from apps.documents.parsing.protocol import ParsedBlock

GROUP_CHARACTERS = 12_000  # of one block of rows
MOST_COLUMNS = 2_000  # of a row once its cells are repeated
HEADER_CHARACTERS = 10_000  # of all names of columns, which stand in every row
NAME_CHARACTERS = 100  # of a column, which stands before each of its cells
MOST_SPANNED = 40  # columns or rows that one cell is repeated in
_NUMBER = re.compile(r"[\s\d.,:%€$£()+/-]+")


def make_table_blocks(rows: Iterable[Sequence[str]], header: Sequence[str] | None) -> Iterator[ParsedBlock]:
    """The rows, a line each, in blocks; empty cells and empty rows are left out."""
    names = [_cell(name)[:NAME_CHARACTERS] for name in header] if header else []
    lines: list[str] = []
    size = 0
    if sum(map(len, names)) > HEADER_CHARACTERS:  # too many to stand in every row
        rows, names = chain([names], rows), []
    for row in rows:
        line = _line(names, row)
        if not line:
            continue
        lines.append(line)
        size += len(line)
        if size > GROUP_CHARACTERS:
            yield ParsedBlock("table", "\n".join(lines))
            lines, size = [], 0
    if lines:
        yield ParsedBlock("table", "\n".join(lines))
    elif size == 0 and names and not any(lines):
        yield from _only_header(names)


def is_header(row: Sequence[str]) -> bool:
    """Whether a first row names columns: every cell filled, all different, none a number.

    The first may be empty: below it stand the names of the rows.
    """
    cells = [_cell(cell) for cell in row]
    named = cells if len(cells) < 3 or cells[0] else cells[1:]
    return len(named) > 1 and all(named) and len(set(named)) == len(named) and not any(map(_NUMBER.fullmatch, named))


def _only_header(names: list[str]) -> Iterator[ParsedBlock]:
    yield ParsedBlock("table", " | ".join(name for name in names if name))


def _line(names: Sequence[str], row: Sequence[str]) -> str:
    cells = [_cell(cell) for cell in row]
    if not names:
        return " | ".join(cell for cell in cells if cell)
    parts = []
    for at, cell in enumerate(cells):
        name = names[at] if at < len(names) else ""
        if cell:
            parts.append(f"{name.rstrip(' :')}: {cell}" if name and name != cell else cell)
    return "; ".join(parts)


def expand_spans(rows: Iterable[Iterable[tuple[str, int, int]]]) -> list[list[str]]:
    """Rows of equal columns from cells of text, columns and rows that each covers: it stands in every one of them."""
    found: list[list[str]] = []
    below: dict[int, tuple[str, int]] = {}  # by column: what a cell above covers, and for how many rows yet
    for cells in rows:
        row: list[str] = []
        told = list(cells)
        left, alone = iter(told), len(told) == 1 and not below  # one across all of a table is a title
        taken, below = below, {}
        while True:
            if len(row) in taken:
                text, more = taken.pop(len(row))
                wide = 1
            elif (cell := next(left, None)) is not None:
                text, wide, more = cell[0], min(max(cell[1], 1), MOST_SPANNED), min(max(cell[2], 1), MOST_SPANNED)
            else:
                break
            if len(row) > MOST_COLUMNS:
                continue  # what cells span is not repeated without end
            for _ in range(1 if alone else wide):
                if more > 1:
                    below[len(row)] = text, more - 1
                row.append(text)
        found.append(row)
    return found


def _cell(text: str) -> str:
    return " ".join(text.split())
