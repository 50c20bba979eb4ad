"""A sentence of a source supports a claim only where what can be compared agrees, and the model of inference agrees."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pytest_django import Settings

from apps.engines import registry
from apps.engines.nli.consistency import ConsistencyModel
from apps.grounding import support_check
from apps.grounding.support_check import (
    AgreementAndInference,
    Premise,
    SupportVerdict,
    get_support_check,
)
from apps.grounding.support_limits import MIN_SUPPORT

SENTENCES = (
    "The harbour library opened in 1931 and was rebuilt after the flood of 1974.",
    "Members may borrow up to six books for four weeks.",
    "Refunds are not given after thirty days.",
    "Sales of maps rose by 12 percent in Oldwick under Rhoda Lind.",
)
TRUE = [
    "The harbour library opened in 1931.",
    "Members may borrow up to six books.",
    "Refunds are not given after 30 days.",
    "Sales of maps rose in Oldwick by 12 percent.",
    "The library was rebuilt after the flood of 1974.",
]
FALSE = [
    "The harbour library was opened in 1913.",
    "Members may borrow eight books.",
    "Refunds are given after thirty days.",
    "In Tarrin, sales of maps rose by 12 percent.",
    "In Oldwick, map sales fell by 12 percent.",
    "The harbour library is the tallest building of the country.",
    "Members opened the library in 1931 for four weeks.",
    "Bananas are rich in potassium.",
]


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge with the packaged model in place of the fake one."""
    model = ConsistencyModel()
    monkeypatch.setattr(registry, "get_nli_engine", lambda: model)


def best(claim: str, sentences: Sequence[str] = SENTENCES, *, only_quoted: bool = False) -> SupportVerdict:
    verdicts = AgreementAndInference().judge(claim, [Premise(text, only_quoted=only_quoted) for text in sentences])
    return max(verdicts, key=lambda verdict: verdict.score)


@pytest.mark.usefixtures("packaged")
@pytest.mark.parametrize("claim", TRUE)
def test_claim_that_a_sentence_states_is_supported(claim: str) -> None:
    assert best(claim).score >= MIN_SUPPORT


@pytest.mark.usefixtures("packaged")
@pytest.mark.parametrize("claim", FALSE)
def test_claim_that_no_sentence_states_is_not_supported(claim: str) -> None:
    assert best(claim).score < MIN_SUPPORT


@pytest.mark.usefixtures("packaged")
def test_facts_of_two_sentences_are_never_joined() -> None:
    sentences = ["The foundry of Oldwick closed in 1902.", "The mill of Tarrin burned down in 1911."]
    assert best("The mill of Tarrin closed in 1902.", sentences).score < MIN_SUPPORT
    assert best("The foundry of Oldwick burned down in 1911.", sentences).score < MIN_SUPPORT


def test_the_words_of_a_sentence_in_a_row_are_a_quote() -> None:
    assert best("Members may borrow up to six books").quoted
    assert not best("Books may be borrowed by members, up to six").quoted


class Counting:
    """Model of inference that counts what it reads, and finds all of it entailment_scores."""

    read: list[tuple[str, str]]

    def __init__(self) -> None:
        self.read = []

    def entailment_scores(self, pairs: Sequence[tuple[str, str]], language: str = "en") -> list[float]:
        self.read += pairs
        return [0.9] * len(pairs)


@pytest.mark.parametrize(
    ("claim", "reads"),
    [
        ("Members may borrow up to six books for four weeks.", False),  # a quote
        ("Members may borrow eight books.", False),  # another number
        ("Books of the library may be borrowed by members.", True),
    ],
)
def test_the_model_reads_only_what_comparison_leaves_open(
    claim: str, reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Counting()
    monkeypatch.setattr(registry, "get_nli_engine", lambda: model)
    best(claim)
    assert bool(model.read) is reads


def test_unknown_language_supports_only_nearly_whole_sentences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "get_nli_engine", Counting)
    french = ["La porte ne doit jamais rester ouverte pendant la nuit."]
    assert best("La porte ne doit jamais rester ouverte pendant la nuit", french, only_quoted=True).quoted
    assert best("La porte doit rester ouverte pendant la nuit.", french, only_quoted=True).score < MIN_SUPPORT
    assert best("rester ouverte pendant la nuit", french, only_quoted=True).score < MIN_SUPPORT


class Yes:
    """Check that gives every premise the same score."""

    def __init__(self, score: float) -> None:
        self.score = score

    def judge(self, claim: str, premises: Sequence[Premise]) -> list[SupportVerdict]:
        return [SupportVerdict(self.score) for _ in premises]


def test_support_check_is_replaced_by_name(settings: Settings) -> None:
    settings.SUPPORT_CHECK = {"BACKEND": f"{__name__}.Yes", "OPTIONS": {"score": 0.9}}
    assert get_support_check().judge("x", [Premise("y")]) == [SupportVerdict(0.9)]


def test_empty_list_of_premises_supports_nothing() -> None:
    assert support_check.AgreementAndInference().judge("Anything.", []) == []
