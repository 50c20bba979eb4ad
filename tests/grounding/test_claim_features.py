"""What a sentence says that can be checked: words, numbers, names, denial."""

from __future__ import annotations

import pytest

from apps.grounding import claim_features
from apps.grounding.agreement import OPPOSITE_STEMS
from apps.grounding.claim_features import extract_features
from apps.lib.text.analyzer import stem_word


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It cost 1,000 dollars.", {"1000"}),
        ("It cost one thousand five hundred dollars in 1990.", {"1000", "500", "1990"}),
        ("Twenty-five people and 3.50 metres, 5km away, on the 5th.", {"25", "3.5", "5"}),
        ("Two million voices", {"2000000"}),
        ("One day, the first of them left.", set()),
        ("Sie kostet 3,5 Euro", {"3.5"}),
        ("A four-week break of 10%", {"4", "10"}),
    ],
)
def test_amounts_are_compared_in_one_spelling(text: str, numbers: set[str]) -> None:
    assert extract_features(text).numbers == numbers


def test_names_are_words_written_like_names_but_not_because_a_sentence_begins() -> None:
    assert extract_features("Yesterday Rhoda Lind reached Oldwick's port. Everyone cheered.").names == {
        "rhoda",
        "lind",
        stem_word("oldwick"),
    }


def test_a_denial_reaches_the_words_of_its_clause() -> None:
    assert extract_features("Refunds are not given after 30 days, but exchanges are.").negated_terms == {
        stem_word("given"),
        "after",
        "30",
        "day",
    }
    assert extract_features("They didn't arrive without tickets.").negated_terms == {
        stem_word("arrive"),
        stem_word("tickets"),
    }
    assert extract_features("See No. 5 for details.").negated_terms == frozenset()


def test_contraries_know_each_other() -> None:
    assert stem_word("fell") in OPPOSITE_STEMS["en"][stem_word("rose")]
    assert stem_word("rose") in OPPOSITE_STEMS["en"][stem_word("fell")]
    assert stem_word("gefallen") in OPPOSITE_STEMS["de"][stem_word("gestiegen")]
    assert stem_word("bajaron") in OPPOSITE_STEMS["es"][stem_word("subieron")]


def test_features_are_extracted_once_whether_or_not_the_default_language_is_named() -> None:
    claim_features._extract_features.cache_clear()
    assert extract_features("The crane lifts 41 tons.") is extract_features("The crane lifts 41 tons.", "en")
    assert claim_features._extract_features.cache_info().misses == 1
