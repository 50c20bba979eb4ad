"""Tests of the text analyser in every script."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.lib.text import analyzer as module
from apps.lib.text.analyzer import extract_content_terms, extract_terms, normalise_text, split_words, stem_word

SIGNS = st.text(st.sampled_from("abAB12 \n\x1c\u00a0\u3000.,-/:@_ÄßK中文ไท٣é\u0301\u0964\U0001f600"), max_size=60)


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
    assert split_words(text) == expected


@pytest.mark.parametrize(
    ("text", "whole"),
    [("part AB-1200/7 fits", "ab-1200/7"), ("on 2024-05-01", "2024-05-01"), ("v1.2-rc3", "v1.2-rc3")],
)
def test_codes_are_words_of_their_own_beside_their_parts(text: str, whole: str) -> None:
    found = split_words(text)

    assert whole in found
    assert len(found) > len(text.split())


def test_a_hyphen_alone_makes_no_code() -> None:
    assert split_words("well-known") == ["well", "known"]


def test_names_with_digits_are_not_stemmed() -> None:
    assert stem_word("runs") == "run"
    assert stem_word("gpt4s") == "gpt4s"


def test_a_question_of_stop_words_keeps_them() -> None:
    assert extract_content_terms("to be or not to be") == ["to", "be", "or", "not", "to", "be"]


def by_definition(text: str) -> list[str]:
    """Return the words as one search over the whole text gives them."""
    text = normalise_text(text)
    found = module._WORD.findall(text)
    found += [code for code in module._CODE.findall(text) if re.search(r"\d", code) and code not in found]
    parts = [module._parts(word) if module._UNSPACED.search(word) else [word] for word in found]
    return [part[: module._MAX_WORD] for group in parts for part in group]


@given(st.one_of(SIGNS, st.text(max_size=200)))
@example("on 2024-05-01 and 2024-05-01, 1.2 of a.5, GPU価格は1-2 " + "a" * 90 + "-1")
def test_words_are_gathered_run_by_run_as_from_the_whole_text(text: str) -> None:
    assert split_words(text) == by_definition(text)
    assert extract_terms(text) == [stem_word(word) for word in split_words(text)]
