"""Citations that the model wrote itself, such as `[2]`."""

from __future__ import annotations

import re

from apps.lib.text.sentences import CITATION_MARK

_HINTS = re.compile(rf"{CITATION_MARK}+")
_NUMBER = re.compile(r"\d{1,3}")


def find_model_citations(text: str) -> list[int]:
    """Return the source numbers that the model wrote in this sentence."""
    return [int(number) for found in _HINTS.findall(text) for number in _NUMBER.findall(found)]


def strip_model_citations(text: str) -> str:
    """Return the text without the citations that the model wrote."""
    return _HINTS.sub("", text) if "[" in text or "【" in text else text
