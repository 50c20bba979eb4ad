"""How a run of a page's raw text is made fit to read, embed and quote."""

from __future__ import annotations

import re

_SPLIT = re.compile(r"(?<=[a-z])(?:\u00ad\s*|-[ \t]*\r?\n\s*)(?=[a-z])|\u00ad")


def unsplit(text: str) -> bool:
    """Whether folding it only changes white space."""
    return _SPLIT.search(text) is None


def fold(text: str) -> str:
    """Words that a line end had split are joined, and every run of white space is one space."""
    return " ".join(_SPLIT.sub("", text).split())
