"""Plain text: paragraphs are what blank lines part."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.documents.parsers.base import Block, Limits, Parsed, paginate
from apps.documents.parsers.decode import read_text

_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def parse(path: str, limits: Limits) -> Iterator[Parsed]:
    text = read_text(path, limits)
    yield from paginate(paragraphs(text), limits)


def paragraphs(text: str) -> Iterator[Block]:
    start = 0
    for gap in _BLANK.finditer(text):
        yield Block("paragraph", text[start : gap.start()])
        start = gap.end()
    yield Block("paragraph", text[start:])
