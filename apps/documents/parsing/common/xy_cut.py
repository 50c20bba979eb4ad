"""The order in which a person reads what stands on a page: columns one after the other, each from top to bottom.

Lines are cut apart where a band of paper runs through (an XY cut): first across the page, then between columns.
"""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]  # left, top, right, bottom; top grows downwards
_DEEPEST = 12
SHORT = 14.0  # times its height (both in fractions of their side) is how long a cell of a table is, usually, or less
BESIDE = 0.8  # of the cells of a table have one in another column at their height


def order_boxes(boxes: Sequence[Box], gutter: float) -> list[int]:
    """The indexes of the boxes as they are read; columns stand at least `gutter` apart."""
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
    """Whether columns are those of a table, which may stand below and above other text in one of them: most cells of
    the others have some beside them, and all are short, but for those of one column."""
    most = max(columns, key=len)
    others = [column for column in columns if column is not most]
    partners = [at for at in most if any(_level(boxes[at], boxes[cell]) for column in others for cell in column)]
    if not partners:
        return False
    wide = [_median([_shape(boxes[at]) for at in part]) > SHORT for part in [partners, *others]]
    if sum(wide) > 1 or (wide[0] and len(partners) < BESIDE * len(most)):  # remarks in the margin of prose
        return False
    cells = [(at, own) for own in others for at in own]
    beside = sum(
        any(_level(boxes[at], boxes[other]) for column in columns if column is not own for other in column)
        for at, own in cells
    )
    return beside >= BESIDE * len(cells)


def _shape(box: Box) -> float:
    return (box[2] - box[0]) / max(box[3] - box[1], 1e-6)


def _level(one: Box, other: Box) -> bool:
    apart = abs(one[1] + one[3] - other[1] - other[3]) / 2
    return apart < 0.3 * min(one[3] - one[1], other[3] - other[1])


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _cut(boxes: Sequence[Box], part: list[int], axis: int, gap: float) -> list[list[int]]:
    """The groups between which a band of at least `gap` is free, along x (0) or y (1)."""
    groups: list[list[int]] = []
    end = float("-inf")
    for at in sorted(part, key=lambda at: boxes[at][axis]):
        if not groups or boxes[at][axis] > end + gap:
            groups.append([])
        groups[-1].append(at)
        end = max(end, boxes[at][axis + 2])
    return groups


def _bands(boxes: Sequence[Box], part: list[int], gutter: float) -> list[list[int]]:
    """Rows of the page, joined again where the same columns run on through them, or none do."""
    bands: list[list[int]] = []
    for row in _cut(boxes, part, 1, 0.0):
        together = [*bands[-1], *row] if bands else row
        if bands and (_columns(boxes, together, gutter) > 1 or not _several(boxes, bands[-1], row, gutter)):
            bands[-1] = together
        else:
            bands.append(row)
    return bands


def _several(boxes: Sequence[Box], one: list[int], other: list[int], gutter: float) -> bool:
    return _columns(boxes, one, gutter) > 1 or _columns(boxes, other, gutter) > 1


def _columns(boxes: Sequence[Box], part: list[int], gutter: float) -> int:
    return len(_cut(boxes, part, 0, gutter))


def _rows(boxes: Sequence[Box], part: list[int]) -> list[int]:
    """From top to bottom; boxes on one line from left to right."""
    rows: list[list[int]] = []
    for at in sorted(part, key=lambda at: (boxes[at][1] + boxes[at][3]) / 2):
        middle = (boxes[at][1] + boxes[at][3]) / 2
        if rows and boxes[rows[-1][0]][1] <= middle <= boxes[rows[-1][0]][3]:
            rows[-1].append(at)
        else:
            rows.append([at])
    return [at for row in rows for at in sorted(row, key=lambda at: boxes[at][0])]
