"""Tests that untrusted text is parsed as a number or ignored, without an error."""

from __future__ import annotations

import pytest

from apps.lib.text.number_parsing import LARGEST, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("007", 7), (str(LARGEST), LARGEST), (str(LARGEST + 1), -1), ("9" * 5000, -1), ("9" * 19, -1),
        ("", -1), ("-1", -1), ("+1", -1), (" 1", -1), ("1.0", -1), ("1e3", -1), ("1_000", -1), ("٣", -1), ("²", -1),
        ("0x1", -1), ("one", -1), ("1\n", -1),
    ],
)  # fmt: skip
def test_a_number_is_read_or_passed_over(text: str, number: int) -> None:
    assert parse_number(text, -1) == number
