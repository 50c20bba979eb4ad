"""Spans of a text: pairs [start, end) of character offsets."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


def merge_spans(spans: Iterable[Span], *, gap: int = 0) -> list[Span]:
    """Return the spans in order. Spans at most `gap` characters apart are merged; with -1, only overlapping ones."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + gap:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
