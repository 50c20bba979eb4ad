"""Find hidden rows and columns of OpenDocument workbooks; rows hidden by a filter count as visible."""

from __future__ import annotations

from typing import Any

from apps.documents.parsing.office.hidden_cells import HiddenCells

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
MOST_ROWS = 100_000  # hidden rows recorded per sheet


def find_ods_hidden_cells(content: Any) -> dict[str, HiddenCells]:
    """Return the hidden cells by name of the sheet."""
    return {table.get(_TABLE + "name") or "": _of(table) for table in content.iter(_TABLE + "table")}


def _of(table: Any) -> HiddenCells:
    found, row, column = HiddenCells(), 0, 0
    for node in table.iter(_TABLE + "table-row", _TABLE + "table-column"):
        hidden = node.get(_TABLE + "visibility") == "collapse"
        if node.tag == _TABLE + "table-column":
            times = _times(node, "columns")
            found.columns += [range(column, column + times)] if hidden else []
            column += times
        else:
            times = _times(node, "rows")
            if hidden and len(found.rows) < MOST_ROWS:
                found.rows |= set(range(row, row + min(times, MOST_ROWS)))
            row += times
    return found


def _times(node: Any, what: str) -> int:
    told = node.get(f"{_TABLE}number-{what}-repeated", "1")
    return int(told) if told.isdecimal() and len(told) < 9 else 1
