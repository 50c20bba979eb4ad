"""Marks that stand in a text for redacted words: as long as these, so that spans into the text stay right."""

from __future__ import annotations

from collections.abc import Sequence

REDACTION_CHARACTER = "█"


Span = tuple[int, int]


def redact_spans(text: str, spans: Sequence[Span]) -> str:
    """Of the same length; line breaks stay."""
    chars = list(text)
    for start, end in spans:
        chars[start:end] = [char if char == "\n" else REDACTION_CHARACTER for char in chars[start:end]]
    return "".join(chars)
