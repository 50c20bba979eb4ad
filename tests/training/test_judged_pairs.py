"""Pairs made of judged sentences: documents are not divided, false ones come of true ones by rules."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from training.consistency.edits import EXCHANGING_EDITS, SourceSentence, exchange_joined
from training.consistency.judged import JudgedRow, build_pairs, split_held_out
from training.consistency.train_judged import compute_rate

SENTENCES = {
    "exchanged_names": "The mayor Anna Berger often hired Tomas Lind before the bridge was opened.",
    "exchanged_numbers": "The crane lifts 41 tons in winter and needs 12 minutes for it.",
    "exchanged_nouns": "In winter the keeper closes the gate.",
    "order": "You pay the fee before you sign the form.",
    "hedge": "The old lift is often late.",
    "amount": "The ticket costs 12 dollars.",
}
PASSAGE = (
    "The mill of Tarrin was opened in 1902 by Anna Berger. It often lends 12 boats to its members. The keeper of the "
    "mill must close the northern gate before the bells are rung. Sales of maps rose by 5 percent in Oldwick."
)


def _row(number: int, *, supported: bool = True) -> JudgedRow:
    return JudgedRow(
        "begin", "model", "en", f"doc{number // 2}", "", (PASSAGE,), f"Anna Berger opened mill {number}.", supported
    )


@pytest.mark.parametrize(("kind", "text"), SENTENCES.items())
def test_an_exchange_changes_what_the_words_say_of_each_other(kind: str, text: str) -> None:
    edited = EXCHANGING_EDITS[kind](SourceSentence(text, "en", text), random.Random(4))

    assert edited is not None
    assert edited.casefold() != text.casefold()
    if kind.startswith(("exchanged", "order")):
        words, others = (Counter(one.casefold().replace(".", "").split()) for one in (text, edited))
        assert words == others


def test_names_joined_by_and_are_no_exchange_that_falsifies() -> None:
    sentence = SourceSentence("They met Anna and Bo.", "en", "They met Anna and Bo.")

    assert EXCHANGING_EDITS["exchanged_names"](sentence, random.Random(1)) is None
    assert exchange_joined(sentence, random.Random(1)) == "They met Bo and Anna."


def test_a_document_is_either_trained_on_or_held_out() -> None:
    training, held_out = split_held_out([_row(number) for number in range(200)])

    assert training
    assert held_out
    assert not {row.doc for row in training} & {row.doc for row in held_out}


def test_true_claims_and_sentences_of_passages_are_falsified() -> None:
    pairs = build_pairs([_row(number) for number in range(60)], random.Random(2))

    made = [pair for pair in pairs if pair.kind not in ("begin", "true")]
    assert made
    assert not any(pair.supported for pair in made)
    assert {pair.source for pair in pairs} == {PASSAGE}
    assert sum(pair.supported for pair in pairs) > len(made)


def test_the_learning_rate_rises_stays_and_falls() -> None:
    rates = [compute_rate(step, 100) for step in range(1, 101)]

    assert rates[0] < rates[30] == rates[50] == 1.0
    assert 0 < rates[-1] < 0.1
