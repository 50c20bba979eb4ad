"""Running heads, running feet and page numbers: lines at the edge of a page that come again on others.

A head that changes with the chapter stands on few pages of a book. It is known by its page number, which counts on with
the pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from apps.documents.parsing.protocol import ParsedPage

_LINE = re.compile(r"[^\r\n]+")
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_DIGITS = re.compile(r"(?<![\d.,])\d{1,4}(?![\d.,]*\d)")
_NAMED = re.compile(r"[^\W\d_]{3}")  # a line of numbers alone may be the row of a table
EDGE = 2  # lines at the top and at the bottom that are looked at
BODY = 2  # lines between them that a page must have; of a shorter page nothing is left out
PAGES = 3  # a line on fewer pages is no furniture ...
SHARE = 0.2  # ... nor on a smaller share of them
LONGEST = 100  # characters
SENTENCE = 7  # spaces between the words of a line that ends with a stop and is then a sentence

Key = tuple[str, str]  # where a line stands, and what it says, numbers set aside
Span = tuple[int, int]


def find_running_heads(pages: Sequence[ParsedPage]) -> dict[int, set[Span]]:
    """For each page number the spans of its lines that are furniture; no page with text is left without any."""
    edges = {page.number: _edges(page.text) for page in pages}
    counts = Counter(key for lines in edges.values() for key in {key for key, _ in lines})
    often = {key for key, count in counts.items() if count >= max(PAGES, SHARE * len(pages))}
    often |= _counting_on({page.number: page.text for page in pages}, edges)
    return {number: {span for key, span in lines if key in often} for number, lines in edges.items()}


def _counting_on(texts: Mapping[int, str], edges: Mapping[int, Sequence[tuple[Key, Span]]]) -> set[Key]:
    """Return the lines whose first or last number is as far from the number of the page on PAGES pages."""
    shifts = Counter(
        (key, int(number) - page)
        for page, lines in edges.items()
        for key, (start, end) in lines
        if (numbers := _DIGITS.findall(texts[page][start:end]))
        for number in {numbers[0], numbers[-1]}
    )
    return {key for (key, _), count in shifts.items() if count >= PAGES and _NAMED.search(key[1])}


def _edges(text: str) -> list[tuple[Key, Span]]:
    """The outer lines of a page: where they stand and what they say, numbers set aside, and their spans."""
    lines = [(match.group().strip(), match.span()) for match in _LINE.finditer(text) if match.group().strip()]
    if len(lines) < 2 * EDGE + BODY:
        return []
    outer = [("top", *line) for line in lines[:EDGE]] + [("bottom", *line) for line in lines[-EDGE:]]
    return [((place, _NUMBER.sub("#", words.casefold())), span) for place, words, span in outer if not _is_text(words)]


def _is_text(words: str) -> bool:
    """Whether it reads like a line of the text itself: long, or the end of a sentence."""
    return len(words) > LONGEST or (words[-1] in ".!?" and words.count(" ") >= SENTENCE)
