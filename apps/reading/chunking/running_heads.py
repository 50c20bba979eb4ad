"""Find running heads, running feet and page numbers: lines at the edge of a page that recur on others. Pure.

A running head that changes with the chapter recurs on few pages of a book. It is recognised by its page number, which
increases with the pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from apps.reading.parsing.protocol import ParsedPage

_LINE = re.compile(r"[^\r\n]+")
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_DIGITS = re.compile(r"(?<![\d.,])\d{1,4}(?![\d.,]*\d)")
_NAMED = re.compile(r"[^\W\d_]{3}")  # a line of numbers alone may be the row of a table
EDGE = 2  # lines at the top and at the bottom that are compared
BODY = 2  # lines that a page must have between them; shorter pages are left alone
PAGES = 3  # pages on which a running head must recur,
SHARE = 0.2  # and its share of all pages
LONGEST = 100  # characters of a running head
SENTENCE = 7  # spaces in a line with a full stop from which it counts as a sentence

Key = tuple[str, str]  # "top" or "bottom", and the line with numbers replaced by "#"
Span = tuple[int, int]


def find_running_heads(pages: Sequence[ParsedPage]) -> dict[int, set[Span]]:
    """Return, by page number, the spans of running heads, feet and page numbers, [start, end) with line ends excluded.

    Short pages have none, so no page loses all its text.
    """
    edges = {page.number: _edges(page.text) for page in pages}
    counts = Counter(key for lines in edges.values() for key in {key for key, _ in lines})
    often = {key for key, count in counts.items() if count >= max(PAGES, SHARE * len(pages))}
    often |= _counting_on({page.number: page.text for page in pages}, edges)
    return {number: {span for key, span in lines if key in often} for number, lines in edges.items()}


def _counting_on(texts: Mapping[int, str], edges: Mapping[int, Sequence[tuple[Key, Span]]]) -> set[Key]:
    """Return the lines whose first or last number has the same distance to the page number on PAGES pages."""
    shifts = Counter(
        (key, int(number) - page)
        for page, lines in edges.items()
        for key, (start, end) in lines
        if (numbers := _DIGITS.findall(texts[page][start:end]))
        for number in {numbers[0], numbers[-1]}
    )
    return {key for (key, _), count in shifts.items() if count >= PAGES and _NAMED.search(key[1])}


def _edges(text: str) -> list[tuple[Key, Span]]:
    """Return the outer lines of a page as keys with their spans."""
    lines = [(match.group().strip(), match.span()) for match in _LINE.finditer(text) if match.group().strip()]
    if len(lines) < 2 * EDGE + BODY:
        return []
    outer = [("top", *line) for line in lines[:EDGE]] + [("bottom", *line) for line in lines[-EDGE:]]
    return [((place, _NUMBER.sub("#", words.casefold())), span) for place, words, span in outer if not _is_text(words)]


def _is_text(words: str) -> bool:
    """Return whether a line reads like body text: long, or the end of a sentence."""
    return len(words) > LONGEST or (words[-1] in ".!?" and words.count(" ") >= SENTENCE)
