"""Set of the cells of a sheet that no reader sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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


_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
MOST_ROWS = 100_000  # hidden rows recorded per sheet


def find_ods_hidden_cells(content: Any) -> dict[str, HiddenCells]:
    """Return the hidden cells by name of the sheet."""
    return {table.get(_TABLE + "name") or "": _read_hidden(table) for table in content.iter(_TABLE + "table")}


def _read_hidden(table: Any) -> HiddenCells:
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
