"""Running heads, running feet and page numbers: lines at the edge of a page that come again on others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from apps.documents.parsers.base import ParsedPage

_LINE = re.compile(r"[^\r\n]+")
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
EDGE = 2  # lines at the top and at the bottom that are looked at
PAGES = 3  # a line on fewer pages is no furniture ...
SHARE = 0.2  # ... nor on a smaller share of them
LONGEST = 160  # characters


def furniture(pages: Sequence[ParsedPage]) -> dict[int, set[tuple[int, int]]]:
    """For each page number the spans of its lines that are furniture."""
    edges = {page.number: _edges(page.text) for page in pages}
    counts = Counter(key for lines in edges.values() for key in {key for key, _ in lines})
    often = {key for key, count in counts.items() if count >= max(PAGES, SHARE * len(pages))}
    return {number: {span for key, span in lines if key in often} for number, lines in edges.items()}


def _edges(text: str) -> list[tuple[str, tuple[int, int]]]:
    lines = [(match.group().strip(), match.span()) for match in _LINE.finditer(text) if match.group().strip()]
    shown = lines if len(lines) <= 2 * EDGE else [*lines[:EDGE], *lines[-EDGE:]]
    return [(_NUMBER.sub("#", words.casefold()), span) for words, span in shown if len(words) <= LONGEST]
