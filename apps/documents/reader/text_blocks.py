"""Turn the text of a page into display blocks with a passage marked, by its layout alone. Pure.

For pages stored without pieces; `parsed_blocks.py` is for the others. Offsets are those of `Page.text`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

TextBlockKind = Literal["heading", "bullet", "item", "table", "code", "paragraph"]
Spans = list[tuple[int, int]]
Marks = list[tuple[int, int, bool]]  # start, end, and whether it is another than the passage that is meant

_GAP = re.compile(r"\n[ \t\r]*(?:\n[ \t\r]*)+")
_LINE = re.compile(r"[^\n]+")
_ITEM = re.compile(r"[ \t]*(?:[-*+•◦▪]|\d{1,3}[.)])[ \t]+\S")
_HASHES = re.compile(r"#{1,6}[ \t]+")
_BULLET = re.compile(r"[ \t]*[-*+•◦▪][ \t]+")
_CELL = re.compile(r" \| |\t")
_PART = re.compile(r"(?:^|; )([^:;\n]{1,80}): ", re.MULTILINE)  # "Column: " before a cell, as the parsers write it
MOST_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class TextRun:
    """Run of text, marked or not. `first`: the first marked run, to scroll to. `look` is a CSS class of Pygments."""

    text: str
    marked: bool
    first: bool = False
    look: str = ""
    other: bool = False  # marked, but not the passage that is meant

    @property
    def classes(self) -> str:
        return " ".join(filter(None, [self.look, "other" if self.other else ""]))


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Block of a page. `rows` are the lines of a table, each a list of cells; other kinds have one row with one cell.

    `header` has the names of a table's columns, `level` is that of a heading, from 1.
    """

    kind: TextBlockKind
    rows: list[list[list[TextRun]]]
    header: tuple[str, ...] = ()
    level: int = 2

    @property
    def runs(self) -> list[TextRun]:
        return self.rows[0][0]

    @property
    def lines(self) -> list[tuple[bool, list[list[TextRun]]]]:
        """Return the rows, each with whether something in it is marked."""
        return [(any(run.marked for cell in row for run in cell), row) for row in self.rows]


def choose_window(text: str, spans: Spans, around: int) -> tuple[int, int]:
    """Return the part [start, end) with the spans and about `around` characters on each side, cut between lines or
    words.

    Without spans, it is the beginning of the text.
    """
    spans = [span for span in spans if span[0] < len(text)]
    if not spans:
        return 0, _border(text, min(len(text), 2 * around), 1)
    start = max(0, min(start for start, _ in spans) - around)
    end = min(len(text), max(end for _, end in spans) + around)
    return _border(text, start, -1), _border(text, end, 1)


def _border(text: str, at: int, step: int) -> int:
    """Return the nearest line end, else space, in the direction of `step`; `at` itself if none is within 300
    characters."""
    if at in {0, len(text)}:
        return at
    reach = text[max(0, at - 300) : at] if step < 0 else text[at : at + 300]
    for mark in ("\n", " "):
        found = reach.rfind(mark) if step < 0 else reach.find(mark)
        if found >= 0:
            return (max(0, at - 300) + found + 1) if step < 0 else at + found
    return at


def split_blocks(
    text: str, spans: Spans, headings: set[str], start: int = 0, end: int | None = None, here: Spans | None = None
) -> list[TextBlock]:
    """Return the blocks of text[start:end] with the spans marked; `headings` are lines that are headings.

    With `here`, the other spans are marked as other ones.
    """
    marks = make_marks(spans, here or [])
    end = len(text) if end is None else end
    return mark_first_run([_block(text, left, right, marks, headings) for left, right in _pieces(text, start, end)])


def merge_spans(spans: Spans) -> Spans:
    """Return the spans sorted, with touching and overlapping ones merged."""
    found: Spans = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def cut_spans(spans: Spans, here: Spans) -> Spans:
    """Return the merged spans without what `here` covers."""
    found = merge_spans(spans)
    for left, right in merge_spans(here):
        cut = [part for start, end in found for part in ((start, min(end, left)), (max(start, right), end))]
        found = [(start, end) for start, end in cut if start < end]
    return found


def make_marks(spans: Spans, here: Spans) -> Marks:
    """Return the spans merged and in order; those beside `here` are other ones, none if `here` is empty."""
    meant = [(start, end, False) for start, end in merge_spans(here or spans)]
    return sorted([*meant, *((start, end, True) for start, end in cut_spans(spans, here))]) if here else meant


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the runs between blank lines, each list item by itself."""
    at = start
    for gap in [*_GAP.finditer(text, start, end), None]:
        stop = gap.start() if gap else end
        if text[at:stop].strip():
            yield from _items(text, at, stop)
        at = gap.end() if gap else end


def _items(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    lines = [match.start() for match in _LINE.finditer(text, start, end)]
    starts = [at for at in lines if _ITEM.match(text, at, end)]
    if not starts or len(starts) * 4 < len(lines):
        yield start, end
        return
    cuts = [start, *(at for at in starts if at > start), end]
    yield from pairwise(cuts)


def _block(text: str, start: int, end: int, marks: Marks, headings: set[str]) -> TextBlock:
    raw = text[start:end]
    line = raw.strip()
    hashes = _HASHES.match(line)
    if hashes and "\n" not in line:
        begin = start + raw.index(line) + hashes.end()
        return TextBlock("heading", [[mark_runs(text, begin, end, marks)]])
    if line in headings:
        return TextBlock("heading", [[mark_runs(text, start, end, marks)]])
    lines = [(start + match.start(), start + match.end()) for match in _LINE.finditer(raw)]
    if len(lines) > 1 and all(_CELL.search(text, left, right) for left, right in lines):
        return TextBlock("table", [list(split_cells(text, left, right, marks)) for left, right in lines])
    if len(lines) > 1 and (table := parse_named_table(text, lines, marks)):
        return table
    if len(lines) > 1 and sum(text.startswith(("    ", "\t"), left) for left, _ in lines) * 2 >= len(lines):
        return TextBlock("code", [[mark_runs(text, start, end, marks)]])
    end = start + len(raw.rstrip())
    if bullet := _BULLET.match(raw):
        return TextBlock("bullet", [[mark_runs(text, start + bullet.end(), end, marks)]])
    return TextBlock("item" if _ITEM.match(raw) else "paragraph", [[mark_runs(text, start, end, marks)]])


def parse_named_table(text: str, lines: Spans, marks: Marks) -> TextBlock | None:
    """Return the table whose lines name the column of every cell ("Column: cell; …"); None if it is none."""
    parts = [list(_PART.finditer(text, start, end)) for start, end in lines]
    counts = Counter(part[1] for line in parts for part in line)
    columns = [name for name, count in counts.items() if count > 1][: MOST_COLUMNS + 1]
    if not 1 < len(columns) <= MOST_COLUMNS:
        return None
    rows = []
    for (start, end), line in zip(lines, parts, strict=True):
        cells = [part for part in line if part[1] in columns]
        if not cells or cells[0].start() != start:
            return None
        stops = [*(part.start() for part in cells[1:]), end]
        filled = {part[1]: mark_runs(text, part.end(), stop, marks) for part, stop in zip(cells, stops, strict=True)}
        rows.append([filled.get(name, [TextRun("", False)]) for name in columns])
    return TextBlock("table", rows, tuple(columns))


def split_cells(text: str, start: int, end: int, marks: Marks) -> Iterator[list[TextRun]]:
    """Yield the cells of a line, each as runs."""
    at = start
    for gap in _CELL.finditer(text, start, end):
        yield mark_runs(text, at, gap.start(), marks)
        at = gap.end()
    yield mark_runs(text, at, end, marks)


def mark_runs(text: str, start: int, end: int, marks: Marks) -> list[TextRun]:
    """Return text[start:end] as runs that are marked or not."""
    found, at = list[TextRun](), start
    for left, right, other in marks:
        left, right = max(left, start), min(right, end)
        if left < right:
            found += [TextRun(text[at:left], False)] if left > at else []
            found.append(TextRun(text[left:right], True, other=other))
            at = right
    return [*found, TextRun(text[at:end], False)] if at < end or not found else found


def mark_first_run(found: list[TextBlock]) -> list[TextBlock]:
    """Return the blocks with the first marked run of the passage that is meant flagged."""
    for cell in (cell for block in found for row in block.rows for cell in row):
        for index, run in enumerate(cell):
            if run.marked and not run.other:
                cell[index] = replace(run, first=True)
                return found
    return found
