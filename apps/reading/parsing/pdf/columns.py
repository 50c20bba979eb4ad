"""Recognise cells of a line and columns of text on a PDF page, and put them into reading order. Pure, except
`split_rows`.

pdfium returns characters in drawing order and knows no cells: text at one height is one line. Wide gaps divide a line
into cells. Two columns of prose that were drawn across, or the right one first, are put into reading order; every other
page keeps its drawing order.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2

from apps.reading.parsing.pdf import pdfium_calls

_LINE = re.compile("[^\r\n]+")
_WORD = re.compile(r"\S+")
_LEFTWARD = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_DOWN = {0: "down", 90: "right", 180: "up", 270: "left"}  # by rotation of the page: direction displayed as downwards
LONG_LINE = 6  # characters from which a line shows its direction
# Returns left, top, right, bottom of the character with this index.
ReadCharBox = Callable[[int], tuple[float, float, float, float]]
WIDE = 1.0  # gap, in line heights, between two cells: no word space is as wide, not even in justified text
COLUMN_CELLS = 6  # lines of a column of prose, at least
COLUMN_CHARACTERS = 20  # characters of its lines on average, at least
COLUMN_SHARE = 0.2  # share of the page's characters in each column, at least
IN_ORDER = 0.85  # share of the characters in reading order from which the page keeps its drawing order


@dataclass(frozen=True, slots=True)
class LineCell:
    """Part of a line: characters [start, end) of the page's text, and its place in points.

    A wrapped cell of a table has several `lines`.
    """

    start: int
    end: int
    left: float
    bottom: float
    right: float
    top: float
    lines: int = 1

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2

    @property
    def line_height(self) -> float:
        return (self.top - self.bottom) / self.lines


def map_char_indexes(text: str) -> Sequence[int]:
    """Return pdfium's index of each character: characters beyond U+FFFF count twice there."""
    if text.isascii() or max(text) <= "\uffff":
        return range(len(text))
    indexes, index = [], 0
    for char in text:
        indexes.append(index)
        index += 2 if ord(char) > 0xFFFF else 1
    return indexes


def split_rows(text: str, at: Sequence[int], textpage: pypdfium2.PdfTextPage) -> list[list[LineCell]]:
    """Return the lines of a page in drawing order, each divided into cells; pieces at one height form one line."""
    get_box = pdfium_calls.make_char_box_reader(pdfium_calls.get_address(textpage.raw))
    rows: list[list[LineCell]] = []
    for line in _LINE.finditer(text):
        words = list(_WORD.finditer(line.group()))
        if not words:
            continue
        first = line.start()
        spans = [(first + start, first + end) for start, end in map(re.Match.span, words)]
        words_with_boxes = [(start, end, get_box(at[start]), get_box(at[end - 1])) for start, end in spans]
        cells = list(_cells(words_with_boxes))
        if rows and _continues_row(rows[-1][-1], cells[0]):
            rows[-1] += cells
        else:
            rows.append(cells)
    return rows


def _continues_row(before: LineCell, cell: LineCell) -> bool:
    """Return whether a cell stands to the right of another one, on the same line."""
    high = min(before.top - before.bottom, cell.top - cell.bottom)
    return cell.left >= before.right and abs(cell.middle - before.middle) < 0.3 * high


def _cells(words: Sequence[tuple[int, int, tuple[float, ...], tuple[float, ...]]]) -> Iterator[LineCell]:
    first, leftward = 0, _runs_left(words)
    for at in range(1, len(words) + 1):
        if at < len(words):
            before, after = words[at - 1][3], words[at][2]
            gap, high = after[0] - before[2], max(before[1] - before[3], after[1] - after[3])
            if -high < (before[0] - after[2] if leftward else gap) <= WIDE * high:
                continue
        (start, _, begin, _), (_, end, _, stop) = words[first], words[at - 1]
        left, right = min(begin[0], stop[0]), max(begin[2], stop[2])
        yield LineCell(start, end, left, min(begin[3], stop[3]), right, max(begin[1], stop[1]))
        first = at


def _runs_left(words: Sequence[tuple[int, int, tuple[float, ...], tuple[float, ...]]]) -> bool:
    """Return whether most words of a line stand to the left of the one before, as in Arabic and Hebrew."""
    if len(words) < 2 or words[-1][2][0] >= words[0][2][0]:
        return False
    return 2 * sum(after[2][2] <= before[3][0] + 1 for before, after in pairwise(words)) >= len(words) - 1


def order_columns(rows: Sequence[Sequence[LineCell]], width: float, *, leftward: bool = False) -> list[LineCell] | None:
    """Return the cells of a page with two columns in reading order; None if they are in order already, or no columns.

    `width` is the page's in points. The right column is first if lines run `leftward`.
    """
    cells = [cell for row in rows for cell in row]
    gutter = _gutter(cells, width)
    if gutter is None:
        return None
    ordered = list(_iter_by_columns(cells, gutter, leftward))
    rank = {cell: at for at, cell in enumerate(ordered)}
    if _compute_ordered_share([(rank[cell], cell.end - cell.start) for cell in cells]) >= IN_ORDER:
        return None
    return ordered


def is_right_to_left(text: str) -> bool:
    """Return whether most letters of a page belong to scripts written from right to left."""
    if text.isascii() or max(text) < "\u0590":
        return False
    return 2 * len(_LEFTWARD.findall(text)) > sum(map(str.isalpha, text))


def order_rotated_text(
    rows: Sequence[Sequence[LineCell]], rotation: int, get_box: ReadCharBox
) -> list[LineCell] | None:
    """Return the lines of a page whose text is displayed from top to bottom; None if its text runs otherwise.

    `rotation` is the rotation of the page in degrees. pdfium returns such lines from left to right, which is last to
    first."""
    lines = [LineCell(row[0].start, row[-1].end, *_around(row)) for row in rows]
    long = [line for line in lines if line.end - line.start >= LONG_LINE]
    if len(long) < 2 or (not rotation and sum(_is_vertical(line) for line in long) < len(long)):
        return None
    if 10 * sum(
        _get_direction(get_box(line.start), get_box(line.end - 1)) == _DOWN[rotation] for line in long
    ) < 9 * len(long):
        return None
    positions = [line.middle if rotation in {90, 270} else (line.left + line.right) / 2 for line in lines]
    rising = sum((after > before) == (rotation in {0, 90}) for before, after in pairwise(positions))
    return lines[::-1] if 10 * rising >= 9 * (len(lines) - 1) else None


def _around(row: Sequence[LineCell]) -> tuple[float, float, float, float]:
    return min(c.left for c in row), min(c.bottom for c in row), max(c.right for c in row), max(c.top for c in row)


def _is_vertical(line: LineCell) -> bool:
    return line.top - line.bottom > line.right - line.left


def _get_direction(first: tuple[float, ...], last: tuple[float, ...]) -> str:
    """Return the direction of a line on the unrotated page, from its first character to its last."""
    dx, dy = last[0] - first[0], last[3] - first[3]
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "up" if dy > 0 else "down"


def order_lines(rows: Sequence[Sequence[LineCell]]) -> list[LineCell]:
    """Return the cells of a page line by line from top to bottom, whatever their drawing order."""
    lines: list[list[LineCell]] = []
    for cell in sorted((cell for row in rows for cell in row), key=lambda cell: -cell.middle):
        if lines and abs(lines[-1][0].middle - cell.middle) < 0.5 * (lines[-1][0].top - lines[-1][0].bottom):
            lines[-1].append(cell)
        else:
            lines.append([cell])
    return [cell for line in lines for cell in sorted(line, key=lambda cell: cell.left)]


def _gutter(cells: Sequence[LineCell], width: float) -> float | None:
    """Return the x of the empty strip between two columns of prose; None if there is none."""
    best: tuple[int, float] | None = None
    for step in range(30, 71, 2):
        x = width * step / 100
        left, right = ([c for c in cells if c.right <= x], [c for c in cells if c.left >= x])
        if all(map(_is_prose, (left, right))):
            counts = [sum(c.end - c.start for c in side) for side in (left, right, cells)]
            crossing = len(cells) - len(left) - len(right)
            if min(counts[:2]) >= COLUMN_SHARE * counts[2] and (best is None or crossing < best[0]):
                best = crossing, x
    return best[1] if best else None


def _is_prose(side: Sequence[LineCell]) -> bool:
    count = len(side)
    return count >= COLUMN_CELLS and sum(c.end - c.start for c in side) >= COLUMN_CHARACTERS * count


def _iter_by_columns(cells: Sequence[LineCell], gutter: float, leftward: bool) -> Iterator[LineCell]:
    """Yield cells from top to bottom between those that cross the gutter, and there column by column."""
    crossing = sorted((c for c in cells if c.left < gutter < c.right), key=lambda c: -c.middle)
    edges = [float("inf"), *(c.middle for c in crossing), float("-inf")]
    for at, (above, below) in enumerate(pairwise(edges)):
        inside = [c for c in cells if below < c.middle <= above and not c.left < gutter < c.right]
        sides = [c for c in inside if c.right <= gutter], [c for c in inside if c.left >= gutter]
        for side in reversed(sides) if leftward else sides:
            yield from sorted(side, key=lambda c: (-round(c.middle), -c.right if leftward else c.left))
        if at < len(crossing):
            yield crossing[at]


def _compute_ordered_share(cells: Sequence[tuple[int, int]]) -> float:
    """Return the share of characters in the longest run of cells that is in reading order."""
    ends: list[int] = []
    best: list[int] = []  # characters of the run that ends at each of `ends`
    for rank, size in cells:
        at = bisect_left(ends, rank)
        here = size + max(best[:at], default=0)
        ends[at : at + 1], best[at : at + 1] = [rank], [here]
    return max(best, default=0) / max(1, sum(size for _, size in cells))


def arrange_text(text: str, cells: Sequence[LineCell], at: Sequence[int]) -> tuple[str, list[int]]:
    """Return the text in the order of the cells, one line each, and pdfium's index of each of its characters."""
    parts, indexes = [], list[int]()
    for cell in cells:
        parts.append(text[cell.start : cell.end])
        indexes += [*at[cell.start : cell.end], at[cell.end - 1]]  # a line end has the index of the last character
    return "\n".join(parts), indexes[:-1]
