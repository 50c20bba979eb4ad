"""A text is taken apart into words the same way everywhere, in every script."""

from __future__ import annotations

import pytest

from apps.lib.words import content_terms, stem, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Über ﬁelds, naïve", ["über", "fields", "naïve"]),
        ("3.14 of 1,000", ["3.14", "of", "1,000"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("東京都", ["東京", "京都"]),
        ("本", ["本"]),
        ("GPU価格は", ["gpu", "価格", "格は"]),
        ("สวัสดี", ["สว", "วั", "ัส", "สด", "ดี"]),
    ],
)
def test_words_of_many_scripts(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "whole"),
    [("part AB-1200/7 fits", "ab-1200/7"), ("on 2024-05-01", "2024-05-01"), ("v1.2-rc3", "v1.2-rc3")],
)
def test_codes_are_words_of_their_own_beside_their_parts(text: str, whole: str) -> None:
    found = words(text)

    assert whole in found
    assert len(found) > len(text.split())


def test_a_hyphen_alone_makes_no_code() -> None:
    assert words("well-known") == ["well", "known"]


def test_names_with_digits_are_not_stemmed() -> None:
    assert stem("runs") == "run"
    assert stem("gpt4s") == "gpt4s"


def test_a_question_of_stop_words_keeps_them() -> None:
    assert content_terms("to be or not to be") == ["to", "be", "or", "not", "to", "be"]
