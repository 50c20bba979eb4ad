"""The contract of signals: each has a deadline and a version; one that is missing, late or nonsense is a status."""

from __future__ import annotations

import asyncio
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engines import registry
from apps.engines.classify import guard_model as guards
from apps.engines.types import EngineBroken, EngineUnavailable, LabelThresholds
from apps.safety.detectors import timeouts
from apps.safety.detectors.rules.engine import RuleCheck
from apps.safety.gate import gate, pictures
from apps.safety.models import detector_outages
from apps.safety.policy import defaults, schema, versions
from apps.safety.policy.evaluation import PolicyResult, Signal, SignalStatus, evaluate_policy
from apps.safety.policy.schema import CLAUSE_CODES, FailureMode, Stage
from apps.safety.policy.verdicts import Verdict

LABELS = (*CLAUSE_CODES, "harm")
POLICY = schema.parse_policy(defaults.make_default_policy({label: LabelThresholds(0.5, 0.9) for label in LABELS}))
CLOSED = [
    code for code, clause in POLICY.clauses.items() if clause.failure_mode is FailureMode.CLOSED and clause.thresholds
]
NONSENSE = (math.nan, math.inf, -math.inf, -0.1, 1.01, "0.1", None, [0.1], 1j)

some_scores = st.dictionaries(st.sampled_from(LABELS), st.floats(0, 1))
some_signal = st.builds(
    Signal,
    st.sampled_from(sorted(timeouts.TIMEOUT_S)),
    st.just("v"),
    st.sampled_from([status for status in SignalStatus if status is not SignalStatus.SKIPPED]),
    st.dictionaries(st.sampled_from(LABELS), st.one_of(st.floats(0, 1), st.sampled_from(NONSENSE))),
)
stages = st.sampled_from([Stage.QUESTION, Stage.ANSWER])


@given(st.sampled_from(Stage), st.lists(some_signal, max_size=4))
def test_a_verdict_is_the_same_from_the_rows_that_are_kept_of_its_signals(stage: Stage, signals: list[Signal]) -> None:
    rows = [Signal.from_json(signal.validated().to_json()) for signal in signals]
    assert evaluate_policy(stage, signals, POLICY) == evaluate_policy(stage, rows, POLICY)
    assert [signal.rounded().scores for signal in signals] == [row.scores for row in rows]


def sound(signal: Signal) -> bool:
    return signal.status is SignalStatus.OK and not any(
        score in NONSENSE or score != score for score in signal.scores.values()
    )


@given(st.lists(some_signal, max_size=5), stages)
def test_a_closed_clause_that_nobody_scored_lets_nothing_through(signals: list[Signal], stage: Stage) -> None:
    scored = {label for signal in signals if sound(signal) for label in signal.scores}
    outcome = evaluate_policy(stage, signals, POLICY)
    assert outcome.unchecked or all(sound(signal) for signal in signals)
    if not all(sound(signal) for signal in signals) or any(code not in scored for code in CLOSED):
        assert not outcome.allowed


@given(some_scores, st.sampled_from(LABELS), st.sampled_from(NONSENSE), st.sampled_from(list(Stage)))
def test_nonsense_is_an_error_and_never_a_zero(
    scores: dict[str, float], label: str, score: object, stage: Stage
) -> None:
    signal = Signal("text", "v", SignalStatus.OK, {**scores, label: score})  # type: ignore[dict-item]
    error = Signal("text", "v", SignalStatus.ERROR, {})
    assert signal.validated() == error
    assert evaluate_policy(stage, [signal], POLICY) == evaluate_policy(stage, [error], POLICY)
    assert evaluate_policy(stage, [signal], POLICY).unchecked


@given(
    some_scores,
    st.sampled_from([SignalStatus.TIMEOUT, SignalStatus.ERROR, SignalStatus.MISSING]),
    st.sampled_from(list(Stage)),
)
def test_missing_signal_never_makes_a_verdict_milder(
    scores: dict[str, float], status: SignalStatus, stage: Stage
) -> None:
    known = Signal("text", "v", SignalStatus.OK, dict.fromkeys(LABELS, 0.0) | scores)
    with_it = evaluate_policy(stage, [known, Signal("planted", "v", status, {})], POLICY)
    assert with_it.unchecked
    assert rank(with_it) >= rank(evaluate_policy(stage, [known], POLICY))


def rank(outcome: PolicyResult) -> int:
    return -1 if outcome.action is None else schema.ACTION_ORDER.index(outcome.action)


def broken(*args: Any) -> Any:
    raise EngineBroken("away")


def silent(*args: Any) -> Any:
    raise EngineUnavailable("away")


def foreign(*args: Any) -> Any:
    raise RuntimeError("no such operator")


def shaped(change: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda _, texts, *vectors: change(
        np.full((len(texts), len(registry.get_text_classifier().labels)), 0.01, np.float32)
    )


FAULTS = {
    "broken": broken,
    "silent": silent,
    "foreign": foreign,
    "not finite": shaped(lambda rows: rows * np.nan),
    "too large": shaped(lambda rows: rows + 1),
    "negative": shaped(lambda rows: -rows),
    "a label less": shaped(lambda rows: rows[:, 1:]),
    "a text more": shaped(lambda rows: np.vstack([rows, rows])),
    "nothing": shaped(lambda rows: None),
}


@pytest.fixture
def quiet(db: None) -> Iterator[None]:
    yield
    detector_outages._noted.clear()


async def everywhere(text: str) -> list[Verdict]:
    vectors = registry.get_embedder().embed_passages([text])
    asked, said = await gate.check_question(text), await gate.check_sentence(text)
    while gate._refreshing:
        await asyncio.gather(*gate._refreshing)
    return [asked, said, *await asyncio.to_thread(gate.check_passages, [text], vectors)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", FAULTS)
async def test_classifiers_that_fail_in_any_way_let_nothing_through(
    quiet: None, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(type(registry.get_text_classifier()), "scores", FAULTS[fault])
    verdicts = await everywhere("The office is open until five in the evening.")
    assert [verdict.code for verdict in verdicts] == ["check_unavailable", "check_unavailable", "unchecked"]
    assert not any(verdict.allowed for verdict in verdicts)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("said", [lambda *_: np.array([np.nan]), lambda *_: np.zeros((1, 2)), foreign, silent])
def test_planted_instructions_that_nobody_could_look_for_are_unchecked(
    quiet: None, monkeypatch: pytest.MonkeyPatch, said: Callable[..., Any]
) -> None:
    monkeypatch.setattr(type(registry.get_injection_detector()), "scores", said)
    assert gate.check_passage("Do as I say [planted]").code == "unchecked"
    assert gate.check_passage("Nothing is planted here.").allowed


@pytest.mark.django_db(transaction=True)
def test_passages_whose_check_is_late_are_unchecked(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(gate, "DEADLINE_S", 0.05)
    monkeypatch.setattr(timeouts, "PASSAGE_S", 0.0)
    monkeypatch.setattr(type(registry.get_injection_detector()), "find_suspects", lambda *_: over.wait(60) or [])
    began = time.monotonic()
    assert gate.check_passage("It is nine.").code == "unchecked"
    assert time.monotonic() - began < 30
    over.set()
    assert {(detector, status) for _, detector, status in detector_outages._noted} == {("text", "timeout")}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("said", "status"),
    [
        (lambda *_: {"sexual": math.nan}, "error"),
        (lambda *_: {"sexual": 7.0}, "error"),
        (lambda *_: {}, "error"),
        (lambda *_: None, "error"),
        (foreign, "error"),
        (lambda *_: time.sleep(0.3) or {"sexual": 0.0}, "timeout"),
    ],
)
def test_a_picture_that_nobody_could_look_at_says_so(
    quiet: None, settings: Any, monkeypatch: pytest.MonkeyPatch, said: Callable[..., Any], status: str
) -> None:
    class Odd:
        fingerprint = "pictures-odd"
        scores = said

    monkeypatch.setattr(registry, "get_image_classifier", Odd)
    monkeypatch.setitem(timeouts.TIMEOUT_S, "pictures", 0.05 if status == "timeout" else 30.0)
    verdict = pictures.check_picture(lambda: b"a picture")
    assert verdict.code == "unchecked"
    assert verdict.evaluation is not None and verdict.evaluation.result.unchecked
    assert [signal.status for signal in verdict.evaluation.signals] == [status]


async def test_a_mild_rule_does_not_keep_the_classifiers_from_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        row | ({"rule": "note"} if row["code"] == "weapons" else {})
        for row in defaults.make_default_policy(cuts())["clauses"]
    ]
    monkeypatch.setattr(versions, "current_policy", lambda: schema.parse_policy({"clauses": rows}))
    text = "Here is how to build a pipe bomb with nails. [child_exploitation]"
    asked = "How do I build a pipe bomb? [child_exploitation]"
    assert (RuleCheck().check_sentence(text).code, RuleCheck().check_question(asked).code) == ("weapons", "weapons")
    assert (await gate.check_sentence(text)).code == (await gate.check_question(asked)).code == "child_exploitation"


def cuts() -> dict[str, LabelThresholds]:
    return dict(registry.get_text_classifier().thresholds)


async def test_detectors_report_how_long_they_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get_guard_engine", guards.FakeGuard)
    text = "Do as I say [planted] [hate?] and write to ada@example.org."
    verdicts = [await gate.check_question(text), await gate.check_sentence(text), gate.check_passage(text)]
    signals = [signal for verdict in verdicts if verdict.evaluation for signal in verdict.evaluation.signals]
    took = {signal.detector for signal in signals if signal.ms > 0}
    assert took == {signal.detector for signal in signals} == set(timeouts.TIMEOUT_S) - {"pictures", "lists", "canary"}
    assert all(signal.ms > 0 for signal in signals if signal.status is not SignalStatus.SKIPPED)


@pytest.mark.parametrize("late", ["rules", "personal", "lists"])
async def test_uninterruptible_detector_that_took_too_long_counts_as_timed_out(
    monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    monkeypatch.setitem(timeouts.TIMEOUT_S, late, -1.0)
    text = "The office is open until five in the evening."
    for verdict in (await gate.check_question(text), await gate.check_sentence(text)):
        assert (verdict.allowed, verdict.code) == (False, "unchecked") and verdict.evaluation is not None
        assert [s.detector for s in verdict.evaluation.signals if s.status is SignalStatus.TIMEOUT] == [late]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("late", ["text", "planted"])
async def test_classifiers_have_separate_deadlines(quiet: None, monkeypatch: pytest.MonkeyPatch, late: str) -> None:
    over = threading.Event()
    stuck = (
        (registry.get_text_classifier, "scores")
        if late == "text"
        else (registry.get_injection_detector, "find_suspects")
    )
    monkeypatch.setattr(type(stuck[0]()), stuck[1], lambda *_: over.wait(60) or [])
    monkeypatch.setitem(timeouts.TIMEOUT_S, late, 0.05)
    monkeypatch.setattr(timeouts, "PASSAGE_S", 0.0)
    monkeypatch.setattr(gate, "DEADLINE_S", 600.0)
    began = time.monotonic()
    verdicts = await everywhere("It is nine in the evening.")
    assert time.monotonic() - began < 50
    over.set()
    unsaid = ["check_unavailable", "check_unavailable", "unchecked"] if late == "text" else ["", "", "unchecked"]
    assert [verdict.code for verdict in verdicts] == unsaid
    assert {(detector, status) for _, detector, status in detector_outages._noted} == {("text", "timeout")}


async def test_detectors_all_have_a_deadline_and_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get_guard_engine", guards.FakeGuard)
    text = "Do as I say [planted] [hate?] and write to ada@example.org."
    verdicts = [await gate.check_question(text), await gate.check_sentence(text), gate.check_passage(text)]
    signals = [signal for verdict in verdicts if verdict.evaluation for signal in verdict.evaluation.signals]
    assert {signal.detector for signal in signals} == set(timeouts.TIMEOUT_S) - {"pictures", "lists", "canary"}
    assert all(timeouts.TIMEOUT_S[signal.detector] > 0 for signal in signals)
    for signal in signals:
        assert re.search(r"-(?:[0-9a-f]{12,}|fake)$", signal.version), signal
    served = guards.OpenAIGuard("http://127.0.0.1:9/v1", "guard", "llama_guard").fingerprint
    assert re.fullmatch(r"llama_guard-[0-9a-f]{16}", served)
    assert served != guards.OpenAIGuard("http://127.0.0.1:9/v1", "other", "llama_guard").fingerprint
