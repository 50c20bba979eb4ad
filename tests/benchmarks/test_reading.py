"""The bench of quotes on open questions: what counts as an answer, and which questions can be measured."""

from __future__ import annotations

from typing import Any

import pytest

from apps.grounding.quote_selection import Quote
from benchmarks.trust.reading import holds_answer, is_measurable, rank_paragraphs

ROW = {
    "kind": "span", "question": "When does the gate close?", "answers": ["at nine"], "title": "Mill",
    "answer_sentence": "The gate closes at nine.", "paragraphs": ["The gate closes at nine.", "Gulls sleep on boats."],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "right"),
    [
        ("It closes At  Nine sharp.", "span", True),
        ("The gate closes late.", "span", True),
        ("Gulls sleep on boats.", "span", False),
        ("Gulls sleep on the boats till nine.", "yesno", False),
    ],
)
def test_a_quote_answers_by_the_answer_or_by_most_of_its_sentence(text: str, kind: str, right: bool) -> None:
    assert holds_answer(Quote(1, 0, len(text), text, 0.5), ROW | {"kind": kind}) is right


@pytest.mark.parametrize(
    ("change", "measurable"),
    [
        ({}, True),
        ({"answer_sentence": "", "kind": "table"}, True),
        ({"answer_sentence": "", "kind": "table", "answers": ["166.7"]}, False),
        ({"answer_sentence": "", "kind": "none", "answers": []}, True),
    ],
)
def test_sums_that_no_row_holds_are_not_measured(change: dict[str, Any], measurable: bool) -> None:
    assert is_measurable(ROW | change) is measurable


def test_paragraphs_are_ranked_by_relevance() -> None:
    passages = rank_paragraphs(ROW | {"paragraphs": ROW["paragraphs"][::-1]})
    assert [passage.full_text for passage in passages.values()] == ROW["paragraphs"]
