"""Words that a line end split are joined, and nothing else but white space is changed."""

from __future__ import annotations

import pytest

from apps.documents.fold import fold, unsplit


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("the wooden stair-\ncase", "the wooden staircase"),
        ("the wooden stair- \t\r\n  case", "the wooden staircase"),
        ("the wooden stair\u00ad\n case", "the wooden staircase"),
        ("the wooden stair\u00adcase", "the wooden staircase"),
        ("Anna-\nLena and 1998-\n2001", "Anna- Lena and 1998- 2001"),
        ("Anna\u00ad Lena, \u00adand", "Anna Lena, and"),
        ("a\u00ad-\nb", "a- b"),  # the hyphen stands behind no letter
    ],
)
def test_a_word_that_was_split_is_joined(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert unsplit(text) == (" ".join(text.split()) == folded)


def test_white_space_is_one_space() -> None:
    assert fold(" a well-known\n\n\tthing - it - is\u00a0here ") == "a well-known thing - it - is here"
    assert unsplit("a well-known\n\n\tthing - it\n")
