"""Examples that the reader is trained on: spans stand where the text says, and what does not answer holds no answer."""

from __future__ import annotations

import random
from typing import Any

import pytest

from training.pair_network import cut_batches
from training.reader.examples import MOST_CHARS, ReaderExample, build_examples

SENTENCE = "The keeper of the mill closes the northern gate at nine."


def make_row(number: int, *, kind: str = "span", length: int = 1) -> dict[str, Any]:
    around = " ".join(f"Boat {number} was built in year {at}." for at in range(20 * length))
    return {
        "set": "new_wiki", "kind": kind, "doc": f"doc {number}", "title": f"Mill {number}",
        "question": "When does the keeper close the gate?", "answers": [] if kind == "none" else ["at nine"],
        "answer_sentence": "" if kind == "none" else SENTENCE,
        "paragraphs": [f"{around} {SENTENCE} {around}", f"Maps of hall {number} hang here.", "The gate opens at nine."],
    }  # fmt: skip


@pytest.fixture(params=[1, 9], ids=["short", "long"])
def examples(request: pytest.FixtureRequest) -> list[ReaderExample]:
    rows = [make_row(number, length=request.param) for number in range(40)]
    return build_examples([*rows, *(make_row(number, kind="none") for number in range(40, 50))], random.Random(3))


def test_spans_are_of_the_answering_sentence_and_of_the_answer(examples: list[ReaderExample]) -> None:
    answered = [one for one in examples if one.is_answered]
    assert len(answered) == 40
    for one in answered:
        assert one.sentence is not None and one.answer is not None
        assert one.text[slice(*one.sentence)] == SENTENCE and one.text[slice(*one.answer)] == "at nine"


def test_passages_that_do_not_answer_hold_no_answer_and_no_span(examples: list[ReaderExample]) -> None:
    others = [one for one in examples if not one.is_answered and "doc" not in one.text]
    assert others
    assert all(one.sentence == one.answer == (0, 0) for one in others)
    asked = [one for one in others if one.kind == "span"]
    assert asked and not any("at nine" in one.text for one in asked)


def test_passages_are_cut_to_the_length_that_is_read(examples: list[ReaderExample]) -> None:
    assert max(len(one.text) for one in examples) <= 2 * MOST_CHARS + 100


def test_sets_in_other_scripts_are_left_out() -> None:
    assert build_examples([make_row(1) | {"set": "jaquad"}], random.Random(1)) == []


def test_batches_are_of_like_length_and_leave_out_a_rest() -> None:
    batches = cut_batches([3, 1, 2, 9, 8, 7, 5], 3, lambda item: item, random.Random(1))
    assert sorted(map(sorted, batches)) == [[1, 2, 3], [5, 7, 8]]
