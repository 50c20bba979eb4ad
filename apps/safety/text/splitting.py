"""Split a text into parts that a classifier can read whole, so that the middle counts as much as the beginning."""

from __future__ import annotations

import re

PART_CHARACTERS = 1000  # about 230 tokens, the window of the packaged embedder is 256
PART_OVERLAP = 120  # so that no phrase is cut in both parts
_BORDER = re.compile(r"[.!?…]\s|\n|\s")


def split_for_classifier(text: str) -> list[str]:
    """Return the text in overlapping parts of at most PART_CHARACTERS, cut between words; one part if it is short."""
    parts: list[str] = []
    start = 0
    while len(text) - start > PART_CHARACTERS:
        cut = _cut(text, start + PART_CHARACTERS // 2, start + PART_CHARACTERS)
        parts.append(text[start:cut])
        start = _cut(text, cut - PART_OVERLAP, cut - PART_OVERLAP // 2)
    return [*parts, text[start:]]


def _cut(text: str, start: int, end: int) -> int:
    """Return the last border between the offsets, preferably of a sentence; `end` if there is none."""
    borders = [(len(match.group()) == 2, match.end()) for match in _BORDER.finditer(text, start, end)]
    return max(borders, default=(False, end))[1]
