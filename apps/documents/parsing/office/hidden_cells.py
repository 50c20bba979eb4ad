"""Set of the cells of a sheet that no reader sees."""

from __future__ import annotations

from dataclasses import dataclass, field


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
