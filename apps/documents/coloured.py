"""Code in colour: the runs of a block, cut where the colour of the language changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from apps.documents.marked import Block, Run

MOST = 60_000  # characters of a block; colouring more would keep a reader waiting


def in_colour(blocks: list[Block], name: str) -> list[Block]:
    """The blocks of a file of that name, its code in colour where its language is known."""
    lexer = _lexer(name)
    return blocks if lexer is None else [_coloured(block, lexer) if block.kind == "code" else block for block in blocks]


def _lexer(name: str) -> Lexer | None:
    try:
        found: Lexer = get_lexer_by_name("python") if name.endswith(".ipynb") else get_lexer_for_filename(name)
    except ClassNotFound:
        return None
    found.stripnl = found.ensurenl = False
    return found


def _coloured(block: Block, lexer: Lexer) -> Block:
    text = "".join(run.text for run in block.runs)
    if len(text) > MOST:
        return block
    looks = [STANDARD_TYPES.get(kind, "") for kind, words in lexer.get_tokens(text) for _ in words]
    return replace(block, rows=[[list(_cut(block.runs, looks))]]) if len(looks) == len(text) else block


def _cut(runs: list[Run], looks: list[str]) -> Iterator[Run]:
    at = 0
    for run in runs:
        begin = 0
        for end in range(1, len(run.text) + 1):
            if end == len(run.text) or looks[at + end] != looks[at + begin]:
                yield replace(run, text=run.text[begin:end], look=looks[at + begin], first=run.first and not begin)
                begin = end
        at += len(run.text)
