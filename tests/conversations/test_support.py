"""A passage supports a sentence only where words, numbers, names and denial agree."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from apps.conversations import meaning, support
from apps.conversations.facts import facts
from apps.conversations.support import SUPPORTED, Judgement, WordsAndMeaning, check
from apps.engines import registry

PASSAGE = (
    "The harbour library opened in 1931 and was rebuilt after the flood of 1974. Members may borrow up to six books "
    "for four weeks. Refunds are not given after thirty days. Sales of maps rose by 12 percent in Oldwick "
    "under Rhoda Lind."
)
TRUE = [
    "The harbour library was opened in 1931.",
    "Members may borrow six books.",
    "After thirty days no refunds are given.",
    "Refunds are not given after 30 days.",
    "In Oldwick, map sales rose by 12 percent.",
    "The library was rebuilt after a flood in 1974.",
]
FALSE = [
    "The harbour library was opened in 1913.",
    "Members may borrow eight books.",
    "Refunds are given after thirty days.",
    "In Tarrin, map sales rose by 12 percent.",
    "In Oldwick, map sales fell by 12 percent.",
    "The harbour library is the tallest building of the country.",
    "Bananas are rich in potassium.",
]


@pytest.mark.parametrize("claim", TRUE)
def test_what_the_passage_says_is_supported(claim: str) -> None:
    assert WordsAndMeaning().judge(claim, [PASSAGE]).score >= SUPPORTED


@pytest.mark.parametrize("claim", FALSE)
def test_another_number_name_or_direction_is_not(claim: str) -> None:
    assert WordsAndMeaning().judge(claim, [PASSAGE]).score < SUPPORTED


def test_two_premises_may_support_together_what_neither_does_alone() -> None:
    premises = ["The bell foundry of Oldwick closed in 1902.", "Its last bell hangs in the tower of Tarrin."]
    judgement = WordsAndMeaning().judge("The bell foundry closed in 1902 and its last bell hangs in Tarrin.", premises)
    assert judgement.score >= SUPPORTED > max(judgement.each)


def test_no_premise_supports_nothing() -> None:
    assert WordsAndMeaning().judge("Anything.", []) == Judgement(0.0, ())


@pytest.mark.parametrize(
    ("claim", "asked"),
    [
        ("Members may borrow up to six books for four weeks.", False),
        ("Members may borrow eight books.", False),
        ("Sales of maps rose fast and members borrow more books.", True),
    ],
)
def test_the_embedder_is_asked_only_where_words_leave_it_open(
    claim: str, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []

    def vectors(asked: Sequence[str]) -> np.ndarray:
        texts.extend(asked)
        return meaning.vectors(asked)

    monkeypatch.setattr(support, "vectors", vectors)
    WordsAndMeaning().judge(claim, [PASSAGE])
    assert bool(texts) is asked


def test_the_meaning_compared_is_that_of_the_sentence_without_the_title_above_it() -> None:
    bare, other = "Members may borrow up to six books.", "The library has books."
    premises = [f"Handbook {bare} {other}", f"Handbook {other} {bare}"]
    said = facts("Members may borrow six books.")
    assert support.nearest(said, premises, support.rarity(said, [facts(bare), facts(other)])) == bare


class Yes:
    def __init__(self, score: float) -> None:
        self.score = score

    def judge(self, claim: str, premises: list[str]) -> Judgement:
        return Judgement(self.score, tuple(self.score for _ in premises))


def test_another_check_takes_its_place_by_name(settings: Settings) -> None:
    settings.SUPPORT_CHECK = {"BACKEND": f"{__name__}.Yes", "OPTIONS": {"score": 0.9}}
    assert check().judge("x", ["y"]).score == 0.9


@pytest.mark.shared
def test_real_claims_are_told_apart_far_better_than_by_similarity(shared: Path, settings: Settings) -> None:
    """Every third claim of WiCE dev with the real embedder: wide bounds, for the sample is small."""
    settings.ENGINES = {**django_settings.ENGINES, "embed": {"BACKEND": "apps.engines.embed.sentence.SentenceEmbed"}}
    registry.reset()
    rows = [json.loads(line) for line in (shared / "data" / "wice" / "claim_dev.jsonl").read_text().splitlines()][::3]
    scores = np.array([_score(row) for row in rows])
    true = np.array([row["label"] == "supported" for row in rows])
    none = np.array([row["label"] == "not_supported" for row in rows])
    assert _area(scores[true], scores[~true]) > 0.72
    assert _area(scores[true], scores[none]) > 0.85
    assert (scores[none] >= SUPPORTED).mean() < 0.1


def _score(row: dict[str, object]) -> float:
    claim, evidence = str(row["claim"]), list(map(str, row["evidence"]))  # type: ignore[call-overload]
    said = facts(claim)
    windows = [" ".join(evidence[n : n + 3])[:900] for n in range(max(1, len(evidence) - 2))]
    weight = support.rarity(said, [facts(window) for window in windows])
    near = sorted(windows, key=lambda window: -support.shared(said, facts(window), weight))[:8]
    return WordsAndMeaning().judge(claim, near).score


def _area(positive: np.ndarray, negative: np.ndarray) -> float:
    """The area under ROC: how often a positive stands above a negative."""
    above = (positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean()
    return float(above)
