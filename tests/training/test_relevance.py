"""The constants of relevance are the best for their examples, and the numbers that judge them are right."""

from __future__ import annotations

import numpy as np
import pytest

from apps.documents.retrieval import relevance
from apps.documents.settings import RELEVANCE_THRESHOLD
from training.relevance.calibration import (
    ExampleGroup,
    RelevanceExample,
    compute_auc,
    compute_auc_interval,
    cross_validate,
    fit_constants,
    score_questions,
)


def drawn(count: int, seed: int) -> ExampleGroup:
    """Examples whose odds follow known constants."""
    chance = np.random.default_rng(seed)
    found = []
    for number in range(count):
        features = tuple(float(value) for value in chance.random(3))
        odds = -3 + 4 * features[0] + 2 * features[1]
        found.append(RelevanceExample(str(number), features, bool(chance.random() < 1 / (1 + np.exp(-odds)))))  # type: ignore[arg-type]
    return ExampleGroup(tuple(found), 1.0)


def test_the_fit_recovers_what_the_examples_follow() -> None:
    _, cosine, covered, in_text = fit_constants([drawn(20_000, 1)])

    assert (cosine, covered, in_text) == pytest.approx((4, 2, 0), abs=0.3)


def test_cross_validation_scores_every_question_once() -> None:
    groups = {"one": drawn(200, 2), "two": drawn(200, 3)}

    assert cross_validate(groups, "one").keys() == {str(number) for number in range(200)}


def test_the_best_passage_speaks_for_its_question() -> None:
    found = [RelevanceExample("q", (0.1, 0, 0), False), RelevanceExample("q", (0.9, 0, 0), True)]

    assert score_questions(found, np.array([0.0, 1.0, 0.0, 0.0]))["q"] == pytest.approx(1 / (1 + np.exp(-0.9)))


def test_area_under_roc() -> None:
    assert compute_auc([3, 4], [1, 2]) == 1.0
    assert compute_auc([1, 2], [1, 2]) == 0.5


def test_the_interval_of_an_area_narrows_with_more_examples_and_holds_the_truth() -> None:
    chance = np.random.default_rng(4)
    widths = []
    for count in (50, 800):
        low, high = compute_auc_interval(chance.normal(1, 1, count).tolist(), chance.normal(0, 1, count).tolist())
        assert low < 0.760 < high  # two normal distributions, one of their deviations apart
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.4)
    assert compute_auc_interval([3, 4], [1, 2]) == (1.0, 1.0)


def test_relevance_grows_with_each_sign() -> None:
    base = relevance.estimate_relevance(0.4, 0.5, 0.5)

    assert relevance.estimate_relevance(0.6, 0.5, 0.5) > base
    assert relevance.estimate_relevance(0.4, 0.9, 0.5) > base
    assert relevance.estimate_relevance(0.4, 0.5, 0.9) > base
    assert (
        relevance.estimate_relevance(0.15, 0.2, 0.2)
        < RELEVANCE_THRESHOLD
        < relevance.estimate_relevance(0.45, 0.6, 0.6)
    )


def test_the_floor_rises_with_the_best_passage() -> None:
    assert relevance.compute_threshold(0.05) == RELEVANCE_THRESHOLD
    assert relevance.compute_threshold(0.9) == pytest.approx(0.09)
    assert relevance.compute_threshold(0.9, 0.3) == 0.3, "one that an owner raised holds for each passage"
