"""Assemble a page from recognised lines: reading order, paragraphs, headings, and tables with column names. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from apps.reading.parsing.common.xy_cut import order_boxes
from apps.reading.parsing.pdf.columns import LineCell
from apps.reading.parsing.pdf.tables import NO_CHAR_INDEX, DetectedTable, find_tables, write_tables
from apps.reading.parsing.protocol import BlockKind, BlockSpan, ParsedPage, WordBox

COLUMN = 0.015  # gap between two columns, as a share of the page's width
_HEADING = 1.45  # times the median line height, above which a line is a heading
_PARAGRAPH = 0.9  # gap above a line, as a share of its height, from which a paragraph begins

FractionBox = tuple[float, float, float, float]  # left, top, right, bottom as fractions of the page


@dataclass(frozen=True, slots=True)
class RecognisedLine:
    """Recognised run of one line, with its words if the model separates them."""

    text: str
    box: FractionBox
    words: list[tuple[str, FractionBox]]


def assemble_page(number: int, lines: Sequence[RecognisedLine], quarter_turns: int) -> tuple[ParsedPage, list[WordBox]]:
    """Return the page, and the places of its words on the page before it was turned.

    `quarter_turns` is the number of quarter turns, counter-clockwise, that made the page upright.
    """
    heights = sorted(line.box[3] - line.box[1] for line in lines)
    median_height = heights[len(heights) // 2] if heights else 0.0
    rows = _rows([lines[at] for at in order_boxes([line.box for line in lines], COLUMN)])
    plain, cells = _plain(rows, median_height)
    text, index, _ = write_tables(plain, range(len(plain)), cells)
    new_index = {old: new for new, old in enumerate(index) if old != NO_CHAR_INDEX}
    block_spans = tuple(
        BlockSpan(kind, 2 if kind == "heading" else 0, new_index[start], new_index[end - 1] + 1)
        for kind, start, end in _runs(rows, cells, find_tables(plain, cells), median_height)
    )
    boxes = [
        (new_index[start], new_index[end - 1] + 1, *box)
        for line, cell in zip(chain(*rows), chain(*cells), strict=True)
        for start, end, *box in _words(line, cell.start, quarter_turns)
    ]
    return ParsedPage(number, text, block_spans), boxes  # type: ignore[return-value]


def _rows(lines: Sequence[RecognisedLine]) -> list[list[RecognisedLine]]:
    """Return the lines as rows: lines side by side that follow each other in reading order are one row."""
    rows: list[list[RecognisedLine]] = []
    for line in lines:
        before = rows[-1][-1].box if rows else None
        middle = (line.box[1] + line.box[3]) / 2
        if before is not None and before[1] < middle < before[3] and line.box[0] >= before[2]:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _plain(rows: Sequence[Sequence[RecognisedLine]], median_height: float) -> tuple[str, list[list[LineCell]]]:
    """Return a text with a line per row and blank lines between paragraphs, and the cells of each row."""
    text, cells = "", list[list[LineCell]]()
    for at, row in enumerate(rows):
        if at:
            same = _kind(rows[at - 1][0], median_height) == _kind(row[0], median_height)
            text += "\n" if same and not _begins(rows[at - 1][0], row[0]) else "\n\n"
        cells.append([])
        for line in row:
            text += " " if cells[-1] else ""
            left, top, right, bottom = line.box
            cells[-1].append(LineCell(len(text), len(text) + len(line.text), left, 1 - bottom, right, 1 - top))
            text += line.text
    return text, cells


def _runs(
    rows: Sequence[Sequence[RecognisedLine]],
    cells: Sequence[Sequence[LineCell]],
    tables: Sequence[DetectedTable],
    median_height: float,
) -> Iterator[tuple[BlockKind, int, int]]:
    """Yield kind, start and end of each run of the plain text."""
    run: tuple[BlockKind, int, int] | None = None
    before: DetectedTable | None = None
    for at, (row, row_cells) in enumerate(zip(rows, cells, strict=True)):
        start, end = row_cells[0].start, row_cells[-1].end
        table = next((table for table in tables if table.start <= start < table.end), None)
        kind: BlockKind = "table" if table else _kind(row[0], median_height)
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


def _kind(line: RecognisedLine, median_height: float) -> BlockKind:
    tall = line.box[3] - line.box[1] > _HEADING * median_height
    return "heading" if tall and len(line.text) <= 100 and any(map(str.isalpha, line.text)) else "paragraph"


def _begins(above: RecognisedLine, line: RecognisedLine) -> bool:
    height = min(line.box[3] - line.box[1], above.box[3] - above.box[1])
    gap = line.box[1] - above.box[3]
    return gap > _PARAGRAPH * height or gap < -3 * height


def _words(line: RecognisedLine, start: int, quarter_turns: int) -> Iterator[WordBox]:
    """Yield each word with its place; the whole line if the model gives no words."""
    at = 0
    for word, box in line.words or [(line.text, line.box)]:
        position = line.text.find(word, at)
        if position < 0:
            continue
        at = position + len(word)
        left, top, right, bottom = _turn_back(box, quarter_turns)
        yield (
            start + position,
            start + at,
            round(left, 4),
            round(top, 4),
            round(right - left, 4),
            round(bottom - top, 4),
        )


def _turn_back(box: FractionBox, quarter_turns: int) -> FractionBox:
    for _ in range(quarter_turns):  # a quarter turn clockwise: x becomes 1 - y, y becomes x
        left, top, right, bottom = box
        box = (1 - bottom, left, 1 - top, right)
    return box
