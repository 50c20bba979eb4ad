"""Assemble a page from recognised lines: reading order, paragraphs, headings, and tables with column names. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from apps.documents.parsing.common.xy_cut import order_boxes
from apps.documents.parsing.pdf.columns import LineCell
from apps.documents.parsing.pdf.tables import NO_CHAR_INDEX, DetectedTable, find_tables, write_tables
from apps.documents.parsing.protocol import BlockKind, BlockSpan, ParsedPage, WordBox

COLUMN = 0.015  # gap between two columns, as a share of the page's width
_HEADING = 1.45  # times the median line height, above which a line is a heading
_PARAGRAPH = 0.9  # gap above a line, as a share of its height, from which a paragraph begins

Place = tuple[float, float, float, float]  # left, top, right, bottom as fractions of the page


@dataclass(frozen=True, slots=True)
class RecognisedLine:
    """Recognised run of one line, with its words if the model separates them."""

    text: str
    place: Place
    words: list[tuple[str, Place]]


def assemble_page(number: int, lines: Sequence[RecognisedLine], turns: int) -> tuple[ParsedPage, list[WordBox]]:
    """Return the page, and the places of its words on the page before it was turned.

    `turns` is the number of quarter turns, counter-clockwise, that made the page upright.
    """
    heights = sorted(line.place[3] - line.place[1] for line in lines)
    usual = heights[len(heights) // 2] if heights else 0.0
    rows = _rows([lines[at] for at in order_boxes([line.place for line in lines], COLUMN)])
    plain, cells = _plain(rows, usual)
    text, index, _ = write_tables(plain, range(len(plain)), cells)
    moved = {old: new for new, old in enumerate(index) if old != NO_CHAR_INDEX}
    block_spans = tuple(
        BlockSpan(kind, 2 if kind == "heading" else 0, moved[start], moved[end - 1] + 1)
        for kind, start, end in _runs(rows, cells, find_tables(plain, cells), usual)
    )
    boxes = [
        (moved[start], moved[end - 1] + 1, *place)
        for line, cell in zip(chain(*rows), chain(*cells), strict=True)
        for start, end, *place in _words(line, cell.start, turns)
    ]
    return ParsedPage(number, text, block_spans), boxes  # type: ignore[return-value]


def _rows(lines: Sequence[RecognisedLine]) -> list[list[RecognisedLine]]:
    """Return the lines as rows: lines side by side that follow each other in reading order are one row."""
    rows: list[list[RecognisedLine]] = []
    for line in lines:
        before = rows[-1][-1].place if rows else None
        middle = (line.place[1] + line.place[3]) / 2
        if before is not None and before[1] < middle < before[3] and line.place[0] >= before[2]:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _plain(rows: Sequence[Sequence[RecognisedLine]], usual: float) -> tuple[str, list[list[LineCell]]]:
    """Return a text with a line per row and blank lines between paragraphs, and the cells of each row."""
    text, cells = "", list[list[LineCell]]()
    for at, row in enumerate(rows):
        if at:
            same = _kind(rows[at - 1][0], usual) == _kind(row[0], usual)
            text += "\n" if same and not _begins(rows[at - 1][0], row[0]) else "\n\n"
        cells.append([])
        for line in row:
            text += " " if cells[-1] else ""
            left, top, right, bottom = line.place
            cells[-1].append(LineCell(len(text), len(text) + len(line.text), left, 1 - bottom, right, 1 - top))
            text += line.text
    return text, cells


def _runs(
    rows: Sequence[Sequence[RecognisedLine]],
    cells: Sequence[Sequence[LineCell]],
    found: Sequence[DetectedTable],
    usual: float,
) -> Iterator[tuple[BlockKind, int, int]]:
    """Yield kind, start and end of each run of the plain text."""
    run: tuple[BlockKind, int, int] | None = None
    before: DetectedTable | None = None
    for at, (row, inside) in enumerate(zip(rows, cells, strict=True)):
        start, end = inside[0].start, inside[-1].end
        table = next((table for table in found if table.start <= start < table.end), None)
        kind: BlockKind = "table" if table else _kind(row[0], usual)
        goes_on = run is not None and kind == run[0] and table is before
        if run is not None and goes_on and (table or not _begins(rows[at - 1][0], row[0])):
            run = (kind, run[1], end)
        else:
            if run is not None:
                yield run
            run = (kind, start, end)
        before = table
    if run is not None:
        yield run


def _kind(line: RecognisedLine, usual: float) -> BlockKind:
    tall = line.place[3] - line.place[1] > _HEADING * usual
    return "heading" if tall and len(line.text) <= 100 and any(map(str.isalpha, line.text)) else "paragraph"


def _begins(above: RecognisedLine, line: RecognisedLine) -> bool:
    height = min(line.place[3] - line.place[1], above.place[3] - above.place[1])
    gap = line.place[1] - above.place[3]
    return gap > _PARAGRAPH * height or gap < -3 * height


def _words(line: RecognisedLine, start: int, turns: int) -> Iterator[WordBox]:
    """Yield each word with its place; the whole line if the model gives no words."""
    at = 0
    for word, place in line.words or [(line.text, line.place)]:
        found = line.text.find(word, at)
        if found < 0:
            continue
        at = found + len(word)
        left, top, right, bottom = _turned_back(place, turns)
        yield start + found, start + at, round(left, 4), round(top, 4), round(right - left, 4), round(bottom - top, 4)


def _turned_back(place: Place, turns: int) -> Place:
    for _ in range(turns):  # a quarter turn clockwise: x becomes 1 - y, y becomes x
        left, top, right, bottom = place
        place = (1 - bottom, left, 1 - top, right)
    return place
