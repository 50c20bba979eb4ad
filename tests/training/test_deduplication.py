"""A written phrase that says nearly what a held-out sentence says is held out with it."""

from __future__ import annotations

import pytest

from training.pii_tagger.deduplication import find_dissimilar

OTHERS = ("Where is the key?", "{GPE} is far.", "Nobody answered.")


@pytest.mark.parametrize(
    ("phrase", "theirs"),
    [
        ("He lives at {STREET} street.", "She lives at {STREET} road."),  # three in a row
        ("{NUMBER} {STREET}\n{UNIT}\n{GPE}\n{ZIP}", "{NUMBER} {STREET}\n{UNIT}\n{GPE} {ZIP}"),  # a layout
        ("A tale of hobbits.", "They sang about Hobbits all day."),  # a word that tells its sentence
    ],
)
def test_similar_phrase_is_held_out(phrase: str, theirs: str) -> None:
    assert find_dissimilar((phrase, *OTHERS), [theirs]) == set(OTHERS)


@pytest.mark.parametrize(
    ("phrase", "theirs"),
    [
        ("Write to {ADDRESS}.", "I know where {PERSON} lives."),
        ("{PERSON}\n{GPE}", "{NUMBER} {STREET}\n{UNIT}\n{GPE} {ZIP}"),
        ("The winter was long.", "It was in the summer."),
    ],
)
def test_dissimilar_phrase_is_learnt_from(phrase: str, theirs: str) -> None:
    assert phrase in find_dissimilar((phrase, *OTHERS), [theirs])


def test_a_common_word_holds_nothing_out() -> None:
    phrases = ("Please come in.", "Please sit down.", "Please go on.")
    assert find_dissimilar(phrases, ["Please leave me alone."]) == set(phrases)
