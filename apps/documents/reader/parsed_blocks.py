"""Turn the text of a page into display blocks by the pieces that its parser found: headings, lists, tables, code.
Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from apps.documents.parsing.protocol import SPEAKER_NOTES, BlockKind
from apps.documents.reader.text_blocks import (
    Marks,
    Spans,
    TextBlock,
    TextRun,
    make_marks,
    mark_first_run,
    mark_runs,
    parse_named_table,
    split_cells,
)

PieceRow = tuple[BlockKind, int, int, int]  # kind, level, start, end, as in `Page.pieces`

_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(r"[ \t]*[-*+•◦▪–][ \t]+")


def build_blocks(
    text: str, spans: Spans, pieces: Iterable[PieceRow], start: int, end: int, here: Spans | None = None
) -> list[TextBlock]:
    """Return the blocks of text[start:end] with the spans marked. With `here`, the other spans are other ones."""
    marks = make_marks(spans, here or [])
    found = []
    for kind, level, left, right in pieces:
        left, right = max(left, start), min(right, end)
        if left < right and text[left:right].strip():
            found.append(_block(text, kind, level, left, right, marks))
    return mark_first_run(_joined(found))


def split_notes(found: list[TextBlock]) -> tuple[list[TextBlock], list[TextBlock]]:
    """Return the blocks of a slide, and those of its speaker notes."""
    for at, block in enumerate(found):
        if block.kind == "heading" and "".join(run.text for run in block.runs).strip() == SPEAKER_NOTES:
            return found[:at], found[at + 1 :]
    return found, []


def _joined(found: Iterable[TextBlock]) -> list[TextBlock]:
    """Return the blocks with parts of one table merged again, which was divided for the sake of chunks."""
    kept: list[TextBlock] = []
    for block in found:
        if kept and block.header and (block.kind, block.header) == ("table", kept[-1].header):
            kept[-1] = replace(kept[-1], rows=[*kept[-1].rows, *block.rows])
        else:
            kept.append(block)
    return kept


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
    if len(lines) > 1 and (table := parse_named_table(text, lines, marks)):
        return table
    rows: list[list[list[TextRun]]] = [list(split_cells(text, left, right, marks)) for left, right in lines]
    return TextBlock("table", rows)
