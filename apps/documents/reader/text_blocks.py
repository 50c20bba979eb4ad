"""Turn the text of a page into display blocks with passages marked: headings, lists, tables, code. Pure.

Blocks are those that the page's parser found. Offsets are those of `Page.text`. Entry points:
`build_blocks`, `highlight_code`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from pygments.lexer import Lexer
from pygments.token import STANDARD_TYPES

from apps.lib.text import code_lexers
from apps.lib.text.sentences import BULLETS
from apps.lib.text.spans import merge_spans
from apps.reading.parsing.protocol import SPEAKER_NOTES, BlockKind

TextBlockKind = Literal["heading", "bullet", "item", "table", "code", "paragraph"]
Spans = list[tuple[int, int]]
BlockSpanRow = tuple[BlockKind, int, int, int]  # kind, level, start, end, as in `Page.block_spans`
Marks = list[tuple[int, int, bool]]  # start, end, and whether it is another than the passage that is meant

_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(rf"[ \t]*[{BULLETS}*+-][ \t]+")
_CELL = re.compile(r" \| |\t")
_PART = re.compile(r"(?:^|; )([^:;\n]{1,80}): ", re.MULTILINE)  # "Column: " before a cell, as the parsers write it
MOST_COLUMNS = 40
MAX_CODE_CHARACTERS = 60_000  # of a block; highlighting more would delay the page


@dataclass(frozen=True, slots=True)
class TextRun:
    """Run of text, marked or not. `first`: the first marked run, to scroll to. `css_class` is one of Pygments."""

    text: str
    marked: bool
    first: bool = False
    css_class: str = ""
    is_other_passage: bool = False  # marked, but not the passage that is meant

    @property
    def classes(self) -> str:
        return " ".join(filter(None, [self.css_class, "other" if self.is_other_passage else ""]))


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


def build_blocks(
    text: str, spans: Spans, block_spans: Iterable[BlockSpanRow], start: int, end: int, here: Spans | None = None
) -> list[TextBlock]:
    """Return the blocks of text[start:end] with the spans marked. With `here`, the other spans are other ones."""
    marks = make_marks(spans, here or [])
    blocks = []
    for kind, level, left, right in block_spans:
        left, right = max(left, start), min(right, end)
        if left < right and text[left:right].strip():
            blocks.append(_block(text, kind, level, left, right, marks))
    return mark_first_run(_join_blocks(blocks))


def split_notes(blocks: list[TextBlock]) -> tuple[list[TextBlock], list[TextBlock]]:
    """Return the blocks of a slide, and those of its speaker notes without their heading; [] if it has no notes."""
    for at, block in enumerate(blocks):
        if block.kind == "heading" and "".join(run.text for run in block.runs).strip() == SPEAKER_NOTES:
            return blocks[:at], blocks[at + 1 :]
    return blocks, []


def _join_blocks(blocks: Iterable[TextBlock]) -> list[TextBlock]:
    """Return the blocks with parts of one table merged again, which was divided for the sake of chunks."""
    joined: list[TextBlock] = []
    for block in blocks:
        if joined and block.header and (block.kind, block.header) == ("table", joined[-1].header):
            joined[-1] = replace(joined[-1], rows=[*joined[-1].rows, *block.rows])
        else:
            joined.append(block)
    return joined


def choose_window(text: str, spans: Spans, context: int) -> tuple[int, int]:
    """Return the part [start, end) with the spans and about `context` characters on each side, cut between lines or
    words.

    Without spans, it is the beginning of the text.
    """
    spans = [span for span in spans if span[0] < len(text)]
    if not spans:
        return 0, _border(text, min(len(text), 2 * context), 1)
    start = max(0, min(start for start, _ in spans) - context)
    end = min(len(text), max(end for _, end in spans) + context)
    return _border(text, start, -1), _border(text, end, 1)


def _border(text: str, at: int, step: int) -> int:
    """Return the nearest line end, else space, in the direction of `step`; `at` itself if none is within 300
    characters."""
    if at in {0, len(text)}:
        return at
    reach = text[max(0, at - 300) : at] if step < 0 else text[at : at + 300]
    for mark in ("\n", " "):
        position = reach.rfind(mark) if step < 0 else reach.find(mark)
        if position >= 0:
            return (max(0, at - 300) + position + 1) if step < 0 else at + position
    return at


def cut_spans(spans: Spans, here: Spans) -> Spans:
    """Return the merged spans without what `here` covers."""
    merged = merge_spans(spans, gap=1)
    for left, right in merge_spans(here, gap=1):
        cut = [part for start, end in merged for part in ((start, min(end, left)), (max(start, right), end))]
        merged = [(start, end) for start, end in cut if start < end]
    return merged


def make_marks(spans: Spans, here: Spans) -> Marks:
    """Return the marks in order, touching spans merged. True marks a part of `spans` outside `here`.

    If `here` is empty, all are False.
    """
    meant = [(start, end, False) for start, end in merge_spans(here or spans, gap=1)]
    return sorted([*meant, *((start, end, True) for start, end in cut_spans(spans, here))]) if here else meant


def _block(text: str, kind: BlockKind, level: int, start: int, end: int, marks: Marks) -> TextBlock:
    match kind:
        case "table":
            return _table(text, start, end, marks)
        case "list":
            bullet = _BULLET.match(text, start, end)
            begin = bullet.end() if bullet else start
            return TextBlock("bullet" if bullet else "item", [[mark_runs(text, begin, end, marks)]])
        case "heading":
            return TextBlock("heading", [[mark_runs(text, start, end, marks)]], level=max(1, level))
        case _:
            return TextBlock(kind, [[mark_runs(text, start, end, marks)]])


def _table(text: str, start: int, end: int, marks: Marks) -> TextBlock:
    lines = [(match.start(), match.end()) for match in _LINE.finditer(text, start, end)]
    if len(lines) > 1 and (table := _named_table(text, lines, marks)):
        return table
    rows: list[list[list[TextRun]]] = [list(_split_cells(text, left, right, marks)) for left, right in lines]
    return TextBlock("table", rows)


def _named_table(text: str, lines: Spans, marks: Marks) -> TextBlock | None:
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


def _split_cells(text: str, start: int, end: int, marks: Marks) -> Iterator[list[TextRun]]:
    """Yield the cells of a line, each as runs."""
    at = start
    for gap in _CELL.finditer(text, start, end):
        yield mark_runs(text, at, gap.start(), marks)
        at = gap.end()
    yield mark_runs(text, at, end, marks)


def mark_runs(text: str, start: int, end: int, marks: Marks) -> list[TextRun]:
    """Return text[start:end] as runs that are marked or not."""
    runs, at = list[TextRun](), start
    for left, right, is_other in marks:
        left, right = max(left, start), min(right, end)
        if left < right:
            runs += [TextRun(text[at:left], False)] if left > at else []
            runs.append(TextRun(text[left:right], True, is_other_passage=is_other))
            at = right
    return [*runs, TextRun(text[at:end], False)] if at < end or not runs else runs


def mark_first_run(blocks: list[TextBlock]) -> list[TextBlock]:
    """Return the blocks with the first marked run of the passage that is meant flagged."""
    for cell in (cell for block in blocks for row in block.rows for cell in row):
        for index, run in enumerate(cell):
            if run.marked and not run.is_other_passage:
                cell[index] = replace(run, first=True)
                return blocks
    return blocks


def highlight_code(blocks: list[TextBlock], name: str) -> list[TextBlock]:
    """Return the blocks of a file with this name, code highlighted if its language is known."""
    lexer = code_lexers.find_lexer("python") if name.endswith(".ipynb") else code_lexers.find_lexer_of_file(name)
    return blocks if lexer is None else [_coloured(block, lexer) if block.kind == "code" else block for block in blocks]


def _coloured(block: TextBlock, lexer: Lexer) -> TextBlock:
    text = "".join(run.text for run in block.runs)
    tokens = code_lexers.lex(text, lexer) if len(text) <= MAX_CODE_CHARACTERS else None
    if tokens is None:
        return block
    looks = [STANDARD_TYPES.get(kind, "") for kind, words in tokens for _ in words]
    return replace(block, rows=[[list(_split_runs(block.runs, looks))]]) if len(looks) == len(text) else block


def _split_runs(runs: list[TextRun], classes: list[str]) -> Iterator[TextRun]:
    at = 0
    for run in runs:
        begin = 0
        for end in range(1, len(run.text) + 1):
            if end == len(run.text) or classes[at + end] != classes[at + begin]:
                yield replace(
                    run, text=run.text[begin:end], css_class=classes[at + begin], first=run.first and not begin
                )
                begin = end
        at += len(run.text)
