"""Find rows of tables in the text of a page by their shape, whatever the format of the file. Pure.

Every parser writes a row as one line (`parsing/common/tables.py`): "Team: Blues; Cups: 1" if the columns have names,
else "Blues | 1".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from apps.lib.text.sentences import find_sentences

_BAR = re.compile(r"\s\|\s")
_NAMED_CELL = re.compile(r"([^:;|\n]{1,100}):\s+(\S[^\n]*)")
_LINE = re.compile(r"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class RowCell:
    """Cell of a table row."""

    name: str  # of its column; "" if not known
    text: str


def parse_row(line: str) -> list[RowCell]:
    """Return the cells of a table row; [] if the line is none. Without a header, cells have no names."""
    line = " ".join(line.split())
    pieces = [(piece, _NAMED_CELL.fullmatch(piece)) for piece in line.split("; ")]
    if _BAR.search(line) and sum(bool(match) for _, match in pieces) < 2:
        return [RowCell("", part.strip()) for part in _BAR.split(line)]
    cells: list[RowCell] = []
    for piece, match in pieces:
        if match is not None:
            cells.append(RowCell(match[1].strip(), match[2].strip()))
        elif cells:  # a cell that holds "; ", or one without a name
            cells[-1] = replace(cells[-1], text=f"{cells[-1].text}; {piece}")
        else:
            cells.append(RowCell("", piece))
    return cells if sum(bool(cell.name) for cell in cells) > 1 else []


def find_rows(text: str) -> list[tuple[int, int]]:
    """Return the lines of a text that are table rows, as [start, end) in order.

    Prose may hold two colons. A line with named cells counts only if a neighbouring row begins with the same name, or
    if it has at least three cells with short names.
    """
    lines = [rows.span() for rows in _LINE.finditer(text)]
    cells = [parse_row(text[start:end]) for start, end in lines]
    rows = []
    for at, (start, end) in enumerate(lines):
        row = cells[at]
        beside = [cells[near][0].name for near in (at - 1, at + 1) if 0 <= near < len(cells) and cells[near]]
        unnamed = not any(cell.name for cell in row)
        named = len(row) > 2 and all(len(cell.name.split()) < 7 for cell in row)
        if row and (unnamed or named or row[0].name in beside):
            rows.append((start, end))
    return rows


def is_header(line: str, below: str) -> bool:
    """Return whether a row without names only names the columns of the row below it."""
    cells, named = parse_row(line), {cell.name for cell in parse_row(below) if cell.name}
    return len(named) > 1 and bool(cells) and named <= {cell.text for cell in cells if not cell.name}


def split_sentences_and_rows(text: str) -> list[tuple[int, int]]:
    """Return the sentences of a text as [start, end) in order; each table row is one of its own."""
    spans, done = [], 0
    for start, end in find_rows(text):
        spans += [(done + left, done + right) for left, right in find_sentences(text[done:start])]
        spans.append((start, end))
        done = end
    return spans + [(done + left, done + right) for left, right in find_sentences(text[done:])]
