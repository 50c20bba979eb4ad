"""Normalise a page's raw text, and runs of it, for reading, embedding and quoting. Pure."""

from __future__ import annotations

import re
import unicodedata

# Begins with the two characters themselves, so that the search skips everything between them.
_SPLIT = re.compile(r"[\u00ad-](?:(?<=\u00ad)\s*|(?<=-)[ \t]*\r?\n\s*)")
_LEADERS = re.compile(r"([^\w\s|]|_)(?:[ \t]?\1){6,}")
_LEADERS_LEFT = 6  # of the signs; so many are still recognised as leaders


def shorten_leaders(text: str) -> str:
    """Return the text with spaces in place of most signs of leaders, rulers and blanks; all offsets stay.

    An embedder counts each sign as a token, so that a line of a table of contents would fill a chunk.
    """
    return _LEADERS.sub(lambda found: (found[1] * _LEADERS_LEFT).ljust(len(found[0])), text)


def normalize_text(text: str) -> str:
    """Return the text with hyphenated words joined, and every run of whitespace as one space.

    A word is joined if small letters stand on both sides of the hyphen, in any alphabet that has small letters.
    """
    return " ".join(_SPLIT.sub(_join_hyphenated, text).split())


def _join_hyphenated(match: re.Match[str]) -> str:
    """Return the replacement of a hyphen at a line end, or of a soft hyphen: "" if it splits a word."""
    text, split = match.string, match.group()
    before = match.start() - 1
    while before > 0 and unicodedata.combining(text[before]):
        before -= 1  # skip combining accents to their letter
    if before >= 0 and _small(text[before]) and _small(text[match.end() : match.end() + 1]):
        return ""
    return split.removeprefix("\u00ad")


def _small(letter: str) -> bool:
    return letter.isalpha() and letter.islower()
