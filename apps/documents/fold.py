"""How a run of a page's raw text is made fit to read, embed and quote."""

from __future__ import annotations

import re

# Begins with the two signs themselves, so that all between them is skipped at once.
_SPLIT = re.compile(r"\u00ad(?:(?<=[a-z]\u00ad)\s*(?=[a-z]))?|-(?<=[a-z]-)[ \t]*\r?\n\s*(?=[a-z])")


def unsplit(text: str) -> bool:
    """Whether folding it only changes white space."""
    return _SPLIT.search(text) is None


def fold(text: str) -> str:
    """Words that a line end had split are joined, and every run of white space is one space."""
    return " ".join(_SPLIT.sub("", text).split())
