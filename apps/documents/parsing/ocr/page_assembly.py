"""A page from recognised lines: in the order of reading, tables row by row and with the names of their columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from apps.documents.parsing.common.xy_cut import order_boxes
from apps.documents.parsing.pdf.columns import LineCell
from apps.documents.parsing.pdf.tables import NO_CHAR_INDEX, DetectedTable, find_tables, write_tables
from apps.documents.parsing.protocol import BlockKind, BlockSpan, ParsedPage, WordBox

COLUMN = 0.015  # of the width: paper between two columns
_HEADING = 1.45  # times the usual height of a line
_PARAGRAPH = 0.9  # of a line's height: more paper than this above a line begins a new paragraph

Place = tuple[float, float, float, float]  # left, top, right, bottom in fractions of the page


@dataclass(frozen=True, slots=True)
class RecognisedLine:
    """A recognised run of one line, and its words, where the model tells them apart."""

    text: str
    place: Place
    words: list[tuple[str, Place]]


def assemble_page(number: int, lines: Sequence[RecognisedLine], turns: int) -> tuple[ParsedPage, list[WordBox]]:
    """The text in reading order, its pieces, and the places of its words on the page as it was before it was turned."""
    heights = sorted(line.place[3] - line.place[1] for line in lines)
    usual = heights[len(heights) // 2] if heights else 0.0
    rows = _rows([lines[at] for at in order_boxes([line.place for line in lines], COLUMN)])
    plain, cells = _plain(rows, usual)
    text, index, _ = write_tables(plain, range(len(plain)), cells)
    moved = {old: new for new, old in enumerate(index) if old != NO_CHAR_INDEX}
    pieces = tuple(
        BlockSpan(kind, 2 if kind == "heading" else 0, moved[start], moved[end - 1] + 1)
        for kind, start, end in _runs(rows, cells, find_tables(plain, cells), usual)
    )
    boxes = [
        (moved[start], moved[end - 1] + 1, *place)
        for line, cell in zip(chain(*rows), chain(*cells), strict=True)
        for start, end, *place in _words(line, cell.start, turns)
    ]
    return ParsedPage(number, text, pieces), boxes  # type: ignore[return-value]


def _rows(lines: Sequence[RecognisedLine]) -> list[list[RecognisedLine]]:
    """Lines that stand beside each other, and are read one after the other, are one row."""
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
    """A text with a line for each row, paragraphs apart, and what of it stands where."""
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
    """Kind, start and end of each piece of the plain text."""
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
    """Each word with its place; the whole line where the words of the model are not those of the text."""
    at = 0
    for word, place in line.words or [(line.text, line.place)]:
        found = line.text.find(word, at)
        if found < 0:
            continue
        at = found + len(word)
        left, top, right, bottom = _turned_back(place, turns)
        yield start + found, start + at, round(left, 4), round(top, 4), round(right - left, 4), round(bottom - top, 4)


def _turned_back(place: Place, turns: int) -> Place:
    for _ in range(turns):  # a quarter with the clock: x becomes 1 - y, y becomes x
        left, top, right, bottom = place
        place = (1 - bottom, left, 1 - top, right)
    return place
