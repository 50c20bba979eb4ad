"""Highlight code: split the runs of a block where the colour of a token changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pygments.lexer import Lexer
from pygments.token import STANDARD_TYPES

from apps.documents.reader.text_blocks import TextBlock, TextRun
from apps.lib.text import code_lexers

MAX_CODE_CHARACTERS = 60_000  # of a block; highlighting more would delay the page


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
    return replace(block, rows=[[list(_cut(block.runs, looks))]]) if len(looks) == len(text) else block


def _cut(runs: list[TextRun], classes: list[str]) -> Iterator[TextRun]:
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
