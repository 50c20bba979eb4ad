"""A model of inference by name judges support; another number or a denial is never read over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.conversations.entailment import WordsAndInference
from apps.conversations.support import SUPPORTED
from apps.engines import registry
from tests.engines.pair_models import build

PAGE = "The library opened in 1931. Members borrow six books. Refunds are given after thirty days."
LABELS = ("contradiction", "entailment", "neutral")


@pytest.fixture
def model(tmp_path: Path, settings: Settings, request: pytest.FixtureRequest) -> Iterator[None]:
    """A model that says "entailment", or its contrary, of everything."""
    wanted: Sequence[float] = request.param
    folder = build(tmp_path, labels=3, bias=wanted, names=LABELS)
    engine = {"BACKEND": "apps.engines.rank.inference.Inference", "OPTIONS": {"model": str(folder)}}
    settings.ENGINES = {**settings.ENGINES, "inference": engine}
    registry.reset()
    yield
    registry.reset()


says_yes = pytest.mark.parametrize("model", [[0.0, 5.0, 0.0]], indirect=True)
says_no = pytest.mark.parametrize("model", [[5.0, 0.0, 0.0]], indirect=True)


@says_yes
def test_what_the_model_finds_entailed_is_supported(model: None) -> None:
    judgement = WordsAndInference().judge("The library opened in 1931.", [PAGE, "Members borrow six books."])

    assert judgement.score > SUPPORTED
    assert len(judgement.each) == 2


@says_yes
@pytest.mark.parametrize("claim", ["The library opened in 1913.", "Refunds are not given after thirty days."])
def test_another_number_or_a_denial_is_not_read_over(model: None, claim: str) -> None:
    assert WordsAndInference().judge(claim, [PAGE]).score < SUPPORTED


@says_no
def test_words_alone_do_not_outvote_the_model(model: None) -> None:
    assert WordsAndInference().judge("The library opened in 1931.", [PAGE]).score < SUPPORTED


def test_no_premise_supports_nothing() -> None:
    assert WordsAndInference().judge("Anything.", []).score == 0.0
