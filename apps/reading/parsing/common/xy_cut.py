"""Order boxes on a page as a person reads them: column by column, each from top to bottom. Pure.

The page is cut recursively where a band of empty paper runs through (XY cut): first across the page, then between
columns.
"""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]  # left, top, right, bottom; top grows downwards
_DEEPEST = 12  # levels of recursion
SHORT = 14.0  # ratio of width to height up to which a box is as short as a table cell (each a fraction of its side)
BESIDE = 0.8  # share of a table's cells that have another cell at the same height


def order_boxes(boxes: Sequence[Box], gutter: float) -> list[int]:
    """Return the indexes of the boxes in reading order; columns are at least `gutter` apart, in units of the boxes."""
    return _ordered(boxes, list(range(len(boxes))), gutter, 0)


def _ordered(boxes: Sequence[Box], part: list[int], gutter: float, depth: int) -> list[int]:
    if len(part) < 2 or depth > _DEEPEST:
        return _rows(boxes, part)
    columns = _cut(boxes, part, 0, gutter)
    if len(columns) > 1 and _is_table(boxes, columns):
        return _rows(boxes, part)
    if len(columns) > 1 and all(len(column) > 1 for column in columns):
        return [at for column in columns for at in _ordered(boxes, column, gutter, depth + 1)]
    bands = _bands(boxes, part, gutter)
    if len(bands) > 1:
        return [at for band in bands for at in _ordered(boxes, band, gutter, depth + 1)]
    return _rows(boxes, part)


def _is_table(boxes: Sequence[Box], columns: list[list[int]]) -> bool:
    """Return whether columns form a table, rather than columns of prose; other text may stand above and below.

    Most cells must have others beside them, and all must be short, except those of one column.
    """
    longest = max(columns, key=len)
    others = [column for column in columns if column is not longest]
    partners = [at for at in longest if any(_level(boxes[at], boxes[cell]) for column in others for cell in column)]
    if not partners:
        return False
    wide = [_median([_shape(boxes[at]) for at in part]) > SHORT for part in [partners, *others]]
    if sum(wide) > 1 or (wide[0] and len(partners) < BESIDE * len(longest)):  # prose, or prose with margin notes
        return False
    cells = [(at, indexes) for indexes in others for at in indexes]
    beside = sum(
        any(_level(boxes[at], boxes[other]) for column in columns if column is not indexes for other in column)
        for at, indexes in cells
    )
    return beside >= BESIDE * len(cells)


def _shape(box: Box) -> float:
    return (box[2] - box[0]) / max(box[3] - box[1], 1e-6)


def _level(first: Box, second: Box) -> bool:
    apart = abs(first[1] + first[3] - second[1] - second[3]) / 2
    return apart < 0.3 * min(first[3] - first[1], second[3] - second[1])


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _cut(boxes: Sequence[Box], part: list[int], axis: int, gap: float) -> list[list[int]]:
    """Return the groups between which a band of at least `gap` is empty, along x (0) or y (1)."""
    groups: list[list[int]] = []
    end = float("-inf")
    for at in sorted(part, key=lambda at: boxes[at][axis]):
        if not groups or boxes[at][axis] > end + gap:
            groups.append([])
        groups[-1].append(at)
        end = max(end, boxes[at][axis + 2])
    return groups


def _bands(boxes: Sequence[Box], part: list[int], gutter: float) -> list[list[int]]:
    """Return horizontal bands of the page, merged where the same columns continue, or where none has columns."""
    bands: list[list[int]] = []
    for row in _cut(boxes, part, 1, 0.0):
        together = [*bands[-1], *row] if bands else row
        if bands and (_columns(boxes, together, gutter) > 1 or not _several(boxes, bands[-1], row, gutter)):
            bands[-1] = together
        else:
            bands.append(row)
    return bands


def _several(boxes: Sequence[Box], left: list[int], right: list[int], gutter: float) -> bool:
    return _columns(boxes, left, gutter) > 1 or _columns(boxes, right, gutter) > 1


def _columns(boxes: Sequence[Box], part: list[int], gutter: float) -> int:
    return len(_cut(boxes, part, 0, gutter))


def _rows(boxes: Sequence[Box], part: list[int]) -> list[int]:
    """Return the boxes from top to bottom, those on one line from left to right."""
    rows: list[list[int]] = []
    for at in sorted(part, key=lambda at: (boxes[at][1] + boxes[at][3]) / 2):
        middle = (boxes[at][1] + boxes[at][3]) / 2
        if rows and boxes[rows[-1][0]][1] <= middle <= boxes[rows[-1][0]][3]:
            rows[-1].append(at)
        else:
            rows.append([at])
    return [at for row in rows for at in sorted(row, key=lambda at: boxes[at][0])]
