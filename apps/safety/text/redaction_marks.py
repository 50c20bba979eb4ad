"""Replace redacted spans with marks of the same length, so that offsets into the text stay valid."""

from __future__ import annotations

from collections.abc import Sequence

REDACTION_CHARACTER = "█"


Span = tuple[int, int]


def redact_spans(text: str, spans: Sequence[Span]) -> str:
    """Return the text with each span replaced by redaction marks; line breaks and the length stay."""
    chars = list(text)
    for start, end in spans:
        chars[start:end] = [char if char == "\n" else REDACTION_CHARACTER for char in chars[start:end]]
    return "".join(chars)
