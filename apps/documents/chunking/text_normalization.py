"""How a run of a page's raw text is made fit to read, embed and quote."""

from __future__ import annotations

import re
import unicodedata

# Begins with the two signs themselves, so that all between them is skipped at once.
_SPLIT = re.compile(r"[\u00ad-](?:(?<=\u00ad)\s*|(?<=-)[ \t]*\r?\n\s*)")


def normalize_text(text: str) -> str:
    """Return the text with words joined that a line end had split, and every run of white space as one space.

    A word counts as split where small letters stand on both sides, of whatever alphabet that has small letters.
    """
    return " ".join(_SPLIT.sub(_joined, text).split())


def _joined(found: re.Match[str]) -> str:
    """Return what stands for a hyphen at a line end, or for a soft hyphen, which is never seen elsewhere."""
    text, split = found.string, found.group()
    before = found.start() - 1
    while before > 0 and unicodedata.combining(text[before]):
        before -= 1  # to the letter that bears the accent
    if before >= 0 and _small(text[before]) and _small(text[found.end() : found.end() + 1]):
        return ""
    return split.removeprefix("\u00ad")


def _small(letter: str) -> bool:
    return letter.isalpha() and letter.islower()
