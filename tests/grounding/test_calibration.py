"""Calibration of a check of sentences: its pairs, its thresholds, and what a check is used for after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.engines import registry
from apps.engines.judge.protocol import Evidence, Judgement, SentenceJudgement
from apps.grounding.calibration import store
from apps.grounding.calibration.pairs import load_pairs
from apps.grounding.calibration.thresholds import LanguageRates, ScoredPair, compute_rates
from apps.grounding.citer import SentenceCitation, SourceSpan
from apps.grounding.judged_support import cite_judged
from apps.grounding.support_check import AgreementAndInference, Premise, get_classifier_key
from apps.grounding.support_limits import MIN_SUPPORT
from apps.lib.proportions import Proportion

SOURCE = "The ferry to Lomma leaves the harbour at nine and carries cars on weekdays."
CLAIM = "The ferry to Lomma leaves the harbour at nine and brings cars over on weekdays."


@pytest.fixture(autouse=True)
def calibrations(settings: Settings, tmp_path: Path) -> None:
    settings.SUPPORT_CALIBRATION = tmp_path / "calibration.json"


def rates(threshold: float | None, true: int) -> LanguageRates:
    return LanguageRates(threshold, Proportion(true, 100), Proportion(0, 150))


def make_scored(language: str, true: Sequence[float], false: Sequence[float]) -> list[ScoredPair]:
    return [
        *(ScoredPair(language, True, score) for score in true),
        *(ScoredPair(language, False, score) for score in false),
    ]


def test_pairs_are_many_of_every_kind_and_language_and_their_sets_are_named() -> None:
    pairs = load_pairs()
    of = Counter((pair.language, pair.is_true) for pair in pairs)
    assert (
        len(pairs) >= 300 and min(of[language, true] for language in ("en", "de", "es") for true in (True, False)) > 70
    )
    assert {"near_quote", "paraphrase", "two_places", "inference"} == {pair.kind for pair in pairs if pair.is_true}
    wrong = {"number", "name", "negation", "unit", "currency", "hedge", "exchanged_names", "exchanged_numbers", "order",
             "cause", "other_question"}  # fmt: skip
    assert wrong <= {pair.kind for pair in pairs if not pair.is_true}
    notice = Path(store.__file__).with_name("NOTICE.txt").read_text()
    assert all(f"\n{pair.set}: " in notice for pair in pairs)
    assert len({(pair.passages, pair.sentence) for pair in pairs}) >= 0.95 * len(pairs)


def test_the_threshold_is_the_lowest_at_which_the_bound_holds() -> None:
    scored = make_scored("en", [0.9, 0.8, 0.7, 0.05], [0.75, *[0.1] * 299])
    found = compute_rates(scored)["en"]
    assert (found.threshold, found.true.part, found.false.part) == (0.7, 3, 1), "1 of 300 is surely below 2 %"
    assert found.is_accepted


def test_a_check_that_passes_too_many_false_ones_at_every_score_has_no_threshold() -> None:
    found = compute_rates(make_scored("en", [1.0] * 100, [1.0] * 5 + [0.0] * 295))["en"]
    assert (found.threshold, found.is_accepted) == (None, False)


def test_bound_is_not_shown_by_too_few_false_pairs() -> None:
    assert compute_rates(make_scored("en", [0.9] * 100, [0.0] * 100))["en"].threshold is None


def test_a_check_that_passes_fewer_than_thirty_percent_of_the_true_ones_is_refused() -> None:
    few, enough = ([0.9] * count + [0.0] * (100 - count) for count in (29, 30))
    assert not compute_rates(make_scored("en", few, [0.0] * 200))["en"].is_accepted
    assert compute_rates(make_scored("en", enough, [0.0] * 200))["en"].is_accepted


def test_a_language_with_more_false_ones_gets_a_higher_threshold_of_its_own() -> None:
    scored = make_scored("en", [0.6, 0.9], [0.1] * 300) + make_scored("de", [0.6, 0.9], [0.7, 0.7, *[0.1] * 98, 0.7])
    found = compute_rates(scored)
    assert (found["en"].threshold, found["de"].threshold) == (0.6, 0.9)


def test_decision_of_a_rule_is_counted_and_moves_no_threshold() -> None:
    ruled = [ScoredPair("en", False, 1.0, by_rule=True)] * 9
    found = compute_rates([*make_scored("en", [0.8], [0.0] * 200), *ruled])["en"]
    assert (found.threshold, found.false.part, found.false.whole) == (0.8, 9, 209)


def test_calibrations_are_stored_by_check_and_can_be_forgotten() -> None:
    assert store.find_rates("judge a") is None
    store.save_rates("judge a", {"en": rates(0.5, 60)})
    store.save_rates("judge b", {"en": rates(None, 0)})
    assert store.find_rates("judge a") == {"en": rates(0.5, 60)}
    store.forget_rates("judge a")
    assert store.find_rates("judge a") is None and store.find_rates("judge b") == {"en": rates(None, 0)}


class Constant:
    """Model of inference that gives every pair the same score."""

    def __init__(self, score: float) -> None:
        self.score = score

    def entailment_scores(self, pairs: Sequence[tuple[str, str]], language: str = "en") -> list[float]:
        return [self.score] * len(pairs)


@pytest.mark.parametrize(
    ("own", "passes"),
    [
        (None, True),  # not calibrated
        (rates(0.9, 60), False),
        (rates(0.7, 60), True),
        (rates(None, 0), False),  # refused: the packaged model says .1
        (rates(0.7, 20), False),
    ],
)
def test_the_score_of_a_model_counts_from_its_threshold_and_a_refused_model_is_replaced(
    own: LanguageRates | None, passes: bool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SUPPORT_CLASSIFIER = "some-model"
    monkeypatch.setattr(registry, "get_nli_engine", lambda: Constant(0.8))
    monkeypatch.setattr(registry, "get_packaged_nli_engine", lambda: Constant(0.1))
    if own is not None:
        store.save_rates(get_classifier_key(), {"en": own})
    (verdict,) = AgreementAndInference().judge(CLAIM, [Premise(SOURCE)])
    assert (verdict.score >= MIN_SUPPORT) == passes


def test_a_calibration_of_the_packaged_model_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get_nli_engine", lambda: Constant(0.6))
    store.save_rates("packaged", {"en": rates(0.9, 60)})
    assert AgreementAndInference().judge(CLAIM, [Premise(SOURCE)])[0].score == 0.6


def test_places_of_a_judge_must_hold_the_calibrated_share_of_the_words() -> None:
    cite = SentenceCitation(0, 0, len(CLAIM), None, 0, 0, 0.0)
    supported = SentenceJudgement(Judgement.SUPPORTED, (Evidence(1, "carries cars on weekdays"),))
    sources = [SourceSpan(1, "", "", 0, SOURCE)]
    found = [cite_judged(cite, CLAIM, supported, sources, "judge", least) for least in (0.0, 0.5, 1.0)]
    assert [cites[0].source for cites in found] == [1, 1, None]
