"""Tests that a sentence about a group is the same for every group, and that other text stays unchanged."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engines.classify.identity_terms import MANY, ONE, neutralise_identity_terms
from apps.engines.classify.linear_classifier import LinearClassifier
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder


@pytest.mark.parametrize(
    "many", ["Muslims", "women", "black people", "trans women", "disabled folks", "Native Americans", "gay men"]
)
def test_identity_groups_in_the_plural_all_read_the_same(many: str) -> None:
    assert neutralise_identity_terms(f"We invited {many} to the meeting.") == f"We invited {MANY} to the meeting."


@pytest.mark.parametrize("one", ["Muslim", "woman", "gay man", "black woman", "trans person", "disabled child"])
def test_identity_groups_in_the_singular_all_read_the_same(one: str) -> None:
    assert neutralise_identity_terms(f"My doctor is a {one}.") == f"My doctor is a {ONE}."


@pytest.mark.parametrize("text", ["White wine and black coffee.", "Blind trust helps nobody.", "", "12 of 40", "naïve"])
def test_words_that_name_nobody_stay(text: str) -> None:
    assert neutralise_identity_terms(text) == text


@given(st.text(alphabet="ab gay women. Muslim-é\n", max_size=60))
def test_neutralising_twice_changes_nothing_more(text: str) -> None:
    once = neutralise_identity_terms(text)
    assert neutralise_identity_terms(once) == once


@given(st.text(alphabet="abW gay women. Muslim-_2é\n", max_size=60))
def test_the_first_look_at_a_text_overlooks_no_group(text: str) -> None:
    # It names one, so every word is looked at.
    assert f"{neutralise_identity_terms(text)}\n.\n{MANY}" == neutralise_identity_terms(f"{text}\n.\nmen")


def test_a_long_text_costs_little() -> None:
    began = time.thread_time()
    neutralise_identity_terms("black gay women and men-men " * 4000)
    assert time.thread_time() - began < 3


def test_hate_score_is_the_same_for_every_group() -> None:
    classify, embed = LinearClassifier(), SentenceTransformerEmbedder()
    at = classify.labels.index("hate")
    for pattern in ("{} are vermin and should be wiped out.", "I had dinner with some {} yesterday."):
        texts = [pattern.format(group) for group in ("Muslims", "women", "black people", "gay people", "refugees")]
        scores = classify.scores(texts, embed.embed_passages([classify.text_to_embed(text) for text in texts]))[:, at]
        assert scores.max() - scores.min() < 0.001
