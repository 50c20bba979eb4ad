"""The guard model is asked where the classifiers are unsure; it adds to what they say and never takes away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.engines import registry
from apps.engines.classify.guard_model import FakeGuard
from apps.safety.detectors.guard_model import is_unsure
from apps.safety.gate.gate import check_question, check_sentence
from apps.safety.models import detector_outages
from apps.safety.policy.evaluation import PolicyResult, Signal, SignalStatus, evaluate_policy
from apps.safety.policy.schema import Action, Stage
from tests.safety.gate.test_default_check import POLICY

FAKE = "apps.engines.classify.guard_model.FakeGuard"


@pytest.fixture
def guard(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the guard was asked."""
    settings.ENGINES = {**settings.ENGINES, "guard": {"BACKEND": FAKE}}  # type: ignore[attr-defined]
    registry.reset()
    asked: list[str] = []
    judge = FakeGuard.judge

    async def heard(self: FakeGuard, text: str, answer: bool, clauses: dict[str, str]) -> object:
        asked.append(text)
        return await judge(self, text, answer, clauses)

    monkeypatch.setattr(FakeGuard, "judge", heard)
    monkeypatch.setattr(detector_outages, "write_outages", lambda: None)
    yield asked
    detector_outages._noted.clear()


async def test_guard_model_is_asked_only_where_the_classifiers_are_unsure(guard: list[str]) -> None:
    assert (await check_question("How is a lamp trimmed?")).allowed
    assert not (await check_question("All [hate] here")).allowed
    assert guard == []
    assert (await check_question("Some [hate?] here")).allowed
    assert guard == ["Some [hate?] here"]


async def test_guard_model_finding_is_withheld_and_reviewed(guard: list[str]) -> None:
    verdict = await check_question("Some [hate?] here {hate}")
    assert verdict.evaluation is not None
    assert (verdict.allowed, verdict.code, verdict.evaluation.result.action) == (False, "hate", "withhold_and_review")
    assert [signal.detector for signal in verdict.evaluation.signals] == ["rules", "personal", "text", "guard"]
    said = await check_sentence("This is [violence?] maybe {violence}", 0)
    assert not said.allowed


async def test_a_clause_without_steps_is_looked_at_by_people(guard: list[str]) -> None:
    verdict = await check_question("Some [hate?] here {drugs}")
    assert verdict.evaluation is not None
    assert (verdict.allowed, verdict.evaluation.result.reviewed) == (True, True)


@pytest.mark.parametrize(("words", "status"), [("{away}", "timeout"), ("{broken}", "error")])
async def test_silence_and_nonsense_are_missing_and_never_safe(guard: list[str], words: str, status: str) -> None:
    verdict = await check_question(f"Some [hate?] here {words}")
    assert verdict.evaluation is not None
    assert (verdict.allowed, verdict.code, verdict.evaluation.result.unchecked) == (False, "unchecked", True)
    assert "not available right now" in verdict.message
    assert verdict.evaluation.signals[-1].status == status
    assert {(detector, said) for _, detector, said in detector_outages._noted} == {("guard", status)}


async def test_verdicts_without_a_guard_model_are_as_before() -> None:
    assert registry.get_guard_engine() is None
    assert (await check_question("Some [hate?] here {hate}")).allowed


def test_guard_model_never_makes_a_verdict_milder() -> None:
    text = Signal("text", "v", SignalStatus.OK, {"hate": 0.95})
    calm = Signal("guard", "g", SignalStatus.OK, {})
    assert evaluate_policy(Stage.QUESTION, [text, calm], POLICY) == evaluate_policy(Stage.QUESTION, [text], POLICY)


def test_unsure_score_lies_between_half_of_the_lowest_step_and_withheld() -> None:
    open_, shut = PolicyResult(None), PolicyResult(Action.WITHHOLD, "hate", 3, 0.95)
    cases = [({"hate": 0.2}, open_, False), ({"hate": 0.25}, open_, True), ({"hate": 0.95}, shut, False)]
    assert [is_unsure(Stage.QUESTION, scores, outcome, POLICY) for scores, outcome, _ in cases] == [
        expected for _, _, expected in cases
    ]
    assert not is_unsure(Stage.PASSAGE, {"hate": 0.8}, open_, POLICY)  # the clause has no step there
