"""Parser of plain text: blank lines separate paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.documents.parsing.common.encoding import read_text
from apps.documents.parsing.protocol import ParsedBlock, ParsedItem, ParseLimits, paginate

_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield the pages of a text file. Raises ParseError."""
    text = read_text(path, limits)
    yield from paginate(split_paragraphs(text), limits)


def split_paragraphs(text: str) -> Iterator[ParsedBlock]:
    """Yield the paragraphs of a text, separated by blank lines."""
    start = 0
    for gap in _BLANK.finditer(text):
        yield ParsedBlock("paragraph", text[start : gap.start()])
        start = gap.end()
    yield ParsedBlock("paragraph", text[start:])
