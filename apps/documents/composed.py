"""The text of a page as blocks, by the pieces that its parser saw: headings, lists, tables, code. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from apps.documents.marked import Block, Run, Spans, cells, merged, named, runs_of, with_first
from apps.documents.parsers.base import NOTES, PieceKind

PieceRow = tuple[PieceKind, int, int, int]  # kind, level, start, end: as `Page.pieces` holds it

_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(r"[ \t]*[-*+•◦▪–][ \t]+")


def composed(text: str, spans: Spans, pieces: Iterable[PieceRow], start: int, end: int) -> list[Block]:
    """The blocks of text[start:end] with the spans marked."""
    marks = merged(spans)
    found = []
    for kind, level, left, right in pieces:
        left, right = max(left, start), min(right, end)
        if left < right and text[left:right].strip():
            found.append(_block(text, kind, level, left, right, marks))
    return with_first(_joined(found))


def parted(found: list[Block]) -> tuple[list[Block], list[Block]]:
    """What stands on a slide, and its notes."""
    for at, block in enumerate(found):
        if block.kind == "heading" and "".join(run.text for run in block.runs).strip() == NOTES:
            return found[:at], found[at + 1 :]
    return found, []


def _joined(found: Iterable[Block]) -> list[Block]:
    """Parts of one table, which was cut for the sake of its passages, are one again, under one head."""
    kept: list[Block] = []
    for block in found:
        if kept and block.header and (block.kind, block.header) == ("table", kept[-1].header):
            kept[-1] = replace(kept[-1], rows=[*kept[-1].rows, *block.rows])
        else:
            kept.append(block)
    return kept


def _block(text: str, kind: PieceKind, level: int, start: int, end: int, marks: Spans) -> Block:
    match kind:
        case "table":
            return _table(text, start, end, marks)
        case "list":
            bullet = _BULLET.match(text, start, end)
            begin = bullet.end() if bullet else start
            return Block("bullet" if bullet else "item", [[runs_of(text, begin, end, marks)]])
        case "heading":
            return Block("heading", [[runs_of(text, start, end, marks)]], level=max(1, level))
        case _:
            return Block(kind, [[runs_of(text, start, end, marks)]])


def _table(text: str, start: int, end: int, marks: Spans) -> Block:
    lines = [(match.start(), match.end()) for match in _LINE.finditer(text, start, end)]
    if len(lines) > 1 and (table := named(text, lines, marks)):
        return table
    rows: list[list[list[Run]]] = [list(cells(text, left, right, marks)) for left, right in lines]
    return Block("table", rows)
