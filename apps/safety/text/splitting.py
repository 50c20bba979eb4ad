"""A text in parts that a classifier can read whole, so that the middle of a long text counts as much as its head."""

from __future__ import annotations

import re

PART_CHARACTERS = 1000  # about 230 tokens, the window of the packaged embedder is 256
PART_OVERLAP = 120  # so that nothing is cut where it says what it means
_BORDER = re.compile(r"[.!?…]\s|\n|\s")


def split_for_classifier(text: str) -> list[str]:
    """The text itself where it is short; else parts of at most CHARACTERS that overlap, cut between words."""
    found: list[str] = []
    start = 0
    while len(text) - start > PART_CHARACTERS:
        cut = _cut(text, start + PART_CHARACTERS // 2, start + PART_CHARACTERS)
        found.append(text[start:cut])
        start = _cut(text, cut - PART_OVERLAP, cut - PART_OVERLAP // 2)
    return [*found, text[start:]]


def _cut(text: str, least: int, most: int) -> int:
    """The last border between the two, of a sentence where there is one; `most` where there is none."""
    borders = [(len(match.group()) == 2, match.end()) for match in _BORDER.finditer(text, least, most)]
    return max(borders, default=(False, most))[1]
