"""Default safety check: rules, blocklists, classifiers and a guard model, combined under the policy.

The live policy (`policy.versions.current_policy`) defines the meaning of each signal, by clause and stage. A failed
classifier raises CheckUnavailable; its score is never taken as zero.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_pool
from apps.lib.text import sentences
from apps.safety.detectors import blocklists as lists
from apps.safety.detectors import canary, timeouts
from apps.safety.detectors.batching import MicroBatcher
from apps.safety.detectors.guard_model import ask_guard, is_unsure
from apps.safety.detectors.indirect_injection import detect_injections
from apps.safety.detectors.rules.engine import FINGERPRINT as RULES
from apps.safety.detectors.rules.engine import RuleCheck, find_rule_spans
from apps.safety.detectors.sensitive_data import detect_sensitive_data
from apps.safety.policy import user_messages, versions
from apps.safety.policy.evaluation import SECRETS, PolicyResult, Signal, SignalStatus, evaluate_policy
from apps.safety.policy.schema import Action, Policy, Stage
from apps.safety.policy.verdicts import UNAVAILABLE_MESSAGE, CheckUnavailable, EvaluationRecord, Verdict
from apps.safety.text.splitting import PART_CHARACTERS, split_for_classifier

if TYPE_CHECKING:
    from apps.engines.types import TextClassifier, Vectors
    from apps.safety.policy.verdicts import SuspectSentences

T = TypeVar("T")
Durations = Mapping[str, float]  # milliseconds, by detector
ScoreTexts = Callable[[Sequence[str]], Sequence[Mapping[str, float]]]

INJECTION_MESSAGE = "This passage contains instructions for an assistant."
CREDENTIALS_MESSAGE = "This passage seems to contain a password or a key."
_SHORTEST = 12  # characters; a shorter piece of an answer is scored with the words around it
_MAX_SENTENCES = 40  # sentences that are scored alone, of a text that is sent to review
_CONTEXT = 100  # characters of approved text that the classifiers read before the new text


def decide_verdict(
    stage: Stage,
    text: str,
    rule_verdict: Verdict,
    scores: Mapping[str, float] | None,
    policy: Policy,
    guard: Signal | None = None,
    other_signals: Sequence[Signal] = (),
    durations: Durations | None = None,
) -> Verdict:
    """Return the verdict of rules and scores under the policy. Pure.

    `scores` is None if the classifiers were not asked; `other_signals` are signals of other detectors; `durations` are
    milliseconds by detector.
    """
    durations = durations or {}
    signals = [_rule_signal(rule_verdict, durations, text), detect_sensitive_data(text), *other_signals]
    if scores is not None:
        ms = durations.get("text", 0.0)
        signals.append(Signal("text", registry.get_text_classifier().fingerprint, SignalStatus.OK, scores, ms=ms))
    else:
        signals.append(Signal("text", "", SignalStatus.SKIPPED, {}))
    if guard is not None:
        signals.append(guard)
    result = evaluate_policy(stage, signals, policy)
    evaluation = EvaluationRecord(stage, canary.mask_reported(text, signals), result, tuple(signals), policy.number)
    if not rule_verdict.code and result.action is None:
        return Verdict(True, evaluation=evaluation)
    if stage is Stage.PASSAGE:
        is_marked = result.action not in (None, Action.NOTE)
        message = (CREDENTIALS_MESSAGE if result.code == SECRETS else INJECTION_MESSAGE) if is_marked else ""
        return Verdict(not is_marked, result.code or rule_verdict.code, message, evaluation)
    if result.allowed:
        return Verdict(True, result.code or rule_verdict.code, "", evaluation)
    message = user_messages.withheld_message(stage, result, signals, policy, UNAVAILABLE_MESSAGE)
    return Verdict(False, result.code, message, evaluation)


def _rule_signal(rule_verdict: Verdict, durations: Durations, text: str) -> Signal:
    ms = durations.get("rules", 0.0)
    if timeouts.is_late("rules", ms):
        return Signal("rules", RULES, SignalStatus.TIMEOUT, {}, ms=ms)
    spans = tuple(find_rule_spans(rule_verdict.code, text)) if rule_verdict.code else ()
    return Signal("rules", RULES, SignalStatus.OK, {}, rule_verdict.code, ms, spans)


class DefaultCheck:
    """Check that runs rules first, as they are cheapest, then classifiers in the pool of the engines."""

    def __init__(self) -> None:
        self._rules = RuleCheck()
        self._sentences = MicroBatcher(score_texts)

    async def question(self, text: str, vector: Awaitable[Vectors] | None = None) -> Verdict:
        policy = versions.current_policy()
        rule_verdict, ms = timeouts.measure_time(lambda: self._rules.check_question(text))
        list_signals, durations = lists.detect_blocklists(policy, Stage.QUESTION, text), {"rules": ms}
        if list_signals or not rule_verdict.allowed:
            verdict = decide_verdict(Stage.QUESTION, text, rule_verdict, None, policy, None, list_signals, durations)
            if not verdict.allowed:
                return verdict
        async with _text_time_limit(durations):
            embedding = await vector if vector is not None else None
            # With a given vector scoring takes a third of a millisecond, less than a switch to another thread and back.
            scores = (
                score_text(text, embedding)
                if embedding is not None and len(text) <= PART_CHARACTERS
                else await in_pool(score_text, text)
            )
        return await _ask_guard_if_unsure(Stage.QUESTION, text, rule_verdict, scores, policy, list_signals, durations)

    async def sentence(self, text: str, since: int) -> Verdict:
        policy = versions.current_policy()
        rule_verdict, ms = timeouts.measure_time(lambda: self._rules.check_sentence(text, since))
        list_signals = [*canary.detect_canary(text, since), *lists.detect_blocklists(policy, Stage.ANSWER, text, since)]
        durations = {"rules": ms}
        if list_signals or not rule_verdict.allowed or len(text) < _SHORTEST:
            verdict = decide_verdict(Stage.ANSWER, text, rule_verdict, None, policy, None, list_signals, durations)
            if not verdict.allowed or len(text) < _SHORTEST:
                return verdict
        async with _text_time_limit(durations):
            scores = await self._sentences.scores(_recent(text, since))
        return await _ask_guard_if_unsure(Stage.ANSWER, text, rule_verdict, scores, policy, list_signals, durations)

    def passage(self, text: str) -> Verdict:
        policy = versions.current_policy()
        rule_verdict, ms = timeouts.measure_time(lambda: self._rules.passage(text))
        list_signals, durations = lists.detect_blocklists(policy, Stage.PASSAGE, text), {"rules": ms}
        if not rule_verdict.allowed or not text.strip():
            verdict = decide_verdict(Stage.PASSAGE, text, rule_verdict, None, policy, None, list_signals, durations)
            if not text.strip() or (verdict.evaluation is not None and verdict.evaluation.result.reviewed):
                return verdict
        with _engine_errors_as_unavailable():
            scores, durations["text"] = _in_time("text", 1, lambda: score_text(text))
            signals, _ = _in_time("planted", 1, lambda: detect_injections([text]))
        other_signals = [*signals, *list_signals]
        return decide_verdict(Stage.PASSAGE, text, rule_verdict, scores, policy, None, other_signals, durations)

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        with _engine_errors_as_unavailable():
            return _in_time("planted", len(texts), lambda: registry.get_injection_detector().find_suspects(texts))[0]

    def passages(
        self, texts: Sequence[str], vectors: Vectors, suspects: SuspectSentences | None = None
    ) -> list[Verdict]:
        """Return a verdict per passage, in order.

        `vectors` embed the texts as they are, even if the classifiers read a variant of them. Passages are judged by
        whom they address, which no name of a group changes.
        """
        rule_verdicts = [timeouts.measure_time(partial(self._rules.passage, text)) for text in texts]
        with _engine_errors_as_unavailable():
            classifier, policy = registry.get_text_classifier(), versions.current_policy()
            rows, ms = _in_time("text", len(texts), lambda: _score_embedded(classifier, texts, vectors))
            signals, _ = _in_time("planted", len(texts), lambda: detect_injections(texts, suspects))
        return [
            decide_verdict(
                Stage.PASSAGE,
                text,
                rule_verdict,
                dict(zip(classifier.labels, map(float, row), strict=True)),
                policy,
                other_signals=(signal, *lists.detect_blocklists(policy, Stage.PASSAGE, text)),
                durations={"rules": rules_ms, "text": ms / len(texts)},
            )
            for text, (rule_verdict, rules_ms), row, signal in zip(texts, rule_verdicts, rows, signals, strict=True)
        ]


def _recent(text: str, since: int) -> str:
    """Return the new text with up to 100 characters before it.

    Rules search all of `text`. A classifier that reads too much approved text hardly reacts to what is new.
    """
    start = since - _CONTEXT
    if start <= 0:
        return text
    border = text.find(" ", start, since)
    return text[border + 1 if border >= 0 else start :]


async def _ask_guard_if_unsure(
    stage: Stage,
    text: str,
    rule_verdict: Verdict,
    scores: Mapping[str, float],
    policy: Policy,
    list_signals: Sequence[Signal],
    durations: Durations,
) -> Verdict:
    """Return the verdict; if the classifiers are unsure, with the signal of the guard model, if one is configured."""
    verdict = decide_verdict(stage, text, rule_verdict, scores, policy, other_signals=list_signals, durations=durations)
    result = verdict.evaluation.result if verdict.evaluation else PolicyResult(None)
    if is_unsure(stage, scores, result, policy) and (guard_signal := await ask_guard(stage, text, policy)) is not None:
        verdict = decide_verdict(stage, text, rule_verdict, scores, policy, guard_signal, list_signals, durations)
    if verdict.evaluation is None or not verdict.evaluation.result.reviewed:
        return verdict
    return await in_pool(add_evidence_spans, verdict, policy, score_texts)


def add_evidence_spans(verdict: Verdict, policy: Policy, score_texts: ScoreTexts) -> Verdict:
    """Return the verdict with the sentences that led the classifiers to a review, as spans in the classifier's signal.

    Each sentence is scored alone. Unchanged unless the classifiers decided and the text has several sentences.
    `score_texts` scores texts by label; it may be slow.
    """
    evaluation = verdict.evaluation
    if evaluation is None or not evaluation.result.reviewed:
        return verdict
    text_signal = next((signal for signal in evaluation.signals if signal.detector == "text"), None)
    clause = policy.clause(evaluation.result.code)
    spans = sentences.find_sentences(evaluation.text)[:_MAX_SENTENCES]
    if text_signal is None or clause is None or len(spans) < 2:
        return verdict
    if evaluation.result.score != round(float(text_signal.scores.get(clause.code, -1)), 6):  # rounded as in a verdict
        return verdict
    try:
        scores = [
            row.get(clause.code, 0.0) for row in score_texts([evaluation.text[start:end] for start, end in spans])
        ]
    except (EngineError, CheckUnavailable):
        return verdict
    thresholds = clause.thresholds.get(Stage(evaluation.stage), ())
    min_score = thresholds[0].min_score if thresholds else 1.0
    highest = max(scores)
    evidence = tuple(span for span, score in zip(spans, scores, strict=True) if score >= min_score or score == highest)
    with_spans = replace(text_signal, spans=evidence)
    signals = tuple(with_spans if signal is text_signal else signal for signal in evaluation.signals)
    return replace(verdict, evaluation=replace(evaluation, signals=signals))


@asynccontextmanager
async def _text_time_limit(durations: dict[str, float]) -> AsyncIterator[None]:
    """Limit the time of the text classifiers and store the milliseconds. Raise TimeoutError or CheckUnavailable."""
    began = time.perf_counter()
    with _engine_errors_as_unavailable():
        async with asyncio.timeout(timeouts.TIMEOUT_S["text"]):
            yield
    durations["text"] = (time.perf_counter() - began) * 1000


def _in_time(detector: str, texts: int, work: Callable[[], T]) -> tuple[T, float]:
    """Return the result of `work` on that many passages, and its milliseconds. Raise TimeoutError."""
    seconds = timeouts.TIMEOUT_S[detector] + timeouts.PASSAGE_S * texts
    return timeouts.measure_time(lambda: timeouts.run_with_timeout(seconds, work))


@contextmanager
def _engine_errors_as_unavailable() -> Iterator[None]:
    """Turn EngineError into CheckUnavailable."""
    try:
        yield
    except EngineError as error:
        raise CheckUnavailable from error


def _score_embedded(classifier: TextClassifier, texts: Sequence[str], vectors: Vectors) -> Vectors:
    """Return the scores, one row per text, from the embedding that the classifiers expect."""
    embedder = registry.get_classifier_embedder()
    return _checked_scores(
        classifier, texts, vectors if embedder is registry.get_embedder() else embedder.embed_passages(texts)
    )


def _checked_scores(classifier: TextClassifier, texts: Sequence[str], vectors: Vectors) -> Vectors:
    """Return the scores, texts × labels, each 0 to 1.

    Raise CheckUnavailable if the classifier returns anything else.
    """
    rows = np.asarray(classifier.scores(texts, vectors))
    if rows.shape != (len(texts), len(classifier.labels)) or not np.all((rows >= 0) & (rows <= 1)):
        raise CheckUnavailable
    return rows


def score_text(text: str, vector: Vectors | None = None) -> dict[str, float]:
    """Return the highest score of any part of the text, by label.

    `vector` is the embedding of the whole text, if known.
    """
    embedder, classifier = registry.get_classifier_embedder(), registry.get_text_classifier()
    pieces = split_for_classifier(text)
    texts = [classifier.text_to_embed(piece) for piece in pieces]
    if len(pieces) > 1:
        vectors = embedder.embed_passages(texts)
    elif vector is None or embedder is not registry.get_embedder() or texts[0] != text:
        vectors = embedder.embed_query(texts[0])[None, :]
    else:
        vectors = vector[None, :]
    highest = np.max(_checked_scores(classifier, pieces, vectors), axis=0)
    return dict(zip(classifier.labels, map(float, highest), strict=True))


def score_texts(texts: Sequence[str]) -> list[dict[str, float]]:
    """Return the scores of each text like `score_text`, in one pass of the embedder."""
    pieces, classifier = [split_for_classifier(text) for text in texts], registry.get_text_classifier()
    all_pieces = [piece for text_pieces in pieces for piece in text_pieces]
    embedded_texts = [classifier.text_to_embed(piece) for piece in all_pieces]
    rows = _checked_scores(classifier, all_pieces, registry.get_classifier_embedder().embed_passages(embedded_texts))
    starts = np.cumsum([0, *(len(text_pieces) for text_pieces in pieces[:-1])])
    highest = np.maximum.reduceat(rows, starts, axis=0)
    return [dict(zip(classifier.labels, map(float, row), strict=True)) for row in highest]
