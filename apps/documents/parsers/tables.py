"""Tables as lines that can be read alone: every cell with its column's name, also in a passage cut out of the table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from apps.documents.parsers.base import Block

GROUP_CHARACTERS = 12_000  # of one block of rows
_NUMBER = re.compile(r"[\s\d.,:%€$£()+/-]+")


def table_blocks(rows: Iterable[Sequence[str]], header: Sequence[str] | None) -> Iterator[Block]:
    """The rows, a line each, in blocks; empty cells and empty rows are left out."""
    names = [_cell(name) for name in header] if header else []
    lines: list[str] = []
    size = 0
    for row in rows:
        line = _line(names, row)
        if not line:
            continue
        lines.append(line)
        size += len(line)
        if size > GROUP_CHARACTERS:
            yield Block("table", "\n".join(lines))
            lines, size = [], 0
    if lines:
        yield Block("table", "\n".join(lines))
    elif size == 0 and names and not any(lines):
        yield from _only_header(names)


def is_header(row: Sequence[str]) -> bool:
    """Whether a first row names columns: every cell filled, all different, none a number."""
    cells = [_cell(cell) for cell in row]
    return len(cells) > 1 and all(cells) and len(set(cells)) == len(cells) and not any(map(_NUMBER.fullmatch, cells))


def _only_header(names: list[str]) -> Iterator[Block]:
    yield Block("table", " | ".join(name for name in names if name))


def _line(names: Sequence[str], row: Sequence[str]) -> str:
    cells = [_cell(cell) for cell in row]
    if not names:
        return " | ".join(cell for cell in cells if cell)
    parts = []
    for at, cell in enumerate(cells):
        name = names[at] if at < len(names) else ""
        if cell:
            parts.append(f"{name}: {cell}" if name and name != cell else cell)
    return "; ".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split())
