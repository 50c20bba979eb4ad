"""Spans of a text are merged where they overlap, touch, or are a character apart."""

from __future__ import annotations

import pytest

from apps.lib.text.spans import Span, merge_spans


@pytest.mark.parametrize(
    ("gap", "merged"),
    [
        (-1, [(0, 2), (2, 4), (5, 9), (12, 13)]),
        (0, [(0, 4), (5, 9), (12, 13)]),
        (1, [(0, 9), (12, 13)]),
    ],
)
def test_spans_at_most_a_gap_apart_are_merged(gap: int, merged: list[Span]) -> None:
    assert merge_spans([(5, 9), (0, 2), (2, 4), (6, 7), (12, 13)], gap=gap) == merged
