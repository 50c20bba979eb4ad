"""Default safety check: rules, blocklists, classifiers and a guard model, combined under the policy.

The live policy (`policy.versions.current_policy`) defines the meaning of each signal, by clause and stage. A failed
classifier raises CheckUnavailable; its score is never taken as zero.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_pool
from apps.safety.detectors import blocklists as lists
from apps.safety.detectors import canary, timeouts
from apps.safety.detectors.batching import MicroBatcher
from apps.safety.detectors.guard_model import ask_guard, is_unsure
from apps.safety.detectors.indirect_injection import detect_injections
from apps.safety.detectors.rules.engine import FINGERPRINT as RULES
from apps.safety.detectors.rules.engine import RuleCheck, find_rule_spans
from apps.safety.detectors.sensitive_data import detect_sensitive_data
from apps.safety.gate.evidence_spans import add_evidence_spans
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

INJECTION_MESSAGE = "This passage contains instructions for an assistant."
CREDENTIALS_MESSAGE = "This passage seems to contain a password or a key."
_SHORTEST = 12  # characters; a shorter piece of an answer is scored with the words around it
_CONTEXT = 100  # characters of approved text that the classifiers read before the new text


def decide_verdict(
    stage: Stage,
    text: str,
    ruled: Verdict,
    scores: Mapping[str, float] | None,
    policy: Policy,
    guard: Signal | None = None,
    further: Sequence[Signal] = (),
    took: Durations | None = None,
) -> Verdict:
    """Return the verdict of rules and scores under the policy. Pure.

    `scores` is None if the classifiers were not asked; `further` are signals of other detectors; `took` are
    milliseconds by detector.
    """
    took = took or {}
    signals = [_rule_signal(ruled, took, text), detect_sensitive_data(text), *further]
    if scores is not None:
        ms = took.get("text", 0.0)
        signals.append(Signal("text", registry.get_text_classifier().fingerprint, SignalStatus.OK, scores, ms=ms))
    else:
        signals.append(Signal("text", "", SignalStatus.SKIPPED, {}))
    if guard is not None:
        signals.append(guard)
    outcome = evaluate_policy(stage, signals, policy)
    judged = EvaluationRecord(stage, canary.mask_reported(text, signals), outcome, tuple(signals), policy.number)
    if not ruled.rule and outcome.action is None:
        return Verdict(True, judged=judged)
    if stage is Stage.PASSAGE:
        marked = outcome.action not in (None, Action.NOTE)
        words = (CREDENTIALS_MESSAGE if outcome.code == SECRETS else INJECTION_MESSAGE) if marked else ""
        return Verdict(not marked, outcome.code or ruled.rule, words, judged)
    if outcome.allowed:
        return Verdict(True, outcome.code or ruled.rule, "", judged)
    return Verdict(
        False,
        outcome.code,
        user_messages.withheld_message(stage, outcome, signals, policy, UNAVAILABLE_MESSAGE),
        judged,
    )


def _rule_signal(ruled: Verdict, took: Durations, text: str) -> Signal:
    ms = took.get("rules", 0.0)
    if timeouts.is_late("rules", ms):
        return Signal("rules", RULES, SignalStatus.TIMEOUT, {}, ms=ms)
    spans = tuple(find_rule_spans(ruled.rule, text)) if ruled.rule else ()
    return Signal("rules", RULES, SignalStatus.OK, {}, ruled.rule, ms, spans)


class DefaultCheck:
    """Check that runs rules first, as they are cheapest, then classifiers in the pool of the engines."""

    def __init__(self) -> None:
        self._rules = RuleCheck()
        self._sentences = MicroBatcher(score_texts)

    async def question(self, text: str, vector: Awaitable[Vectors] | None = None) -> Verdict:
        (ruled, ms), policy = timeouts.measure_time(lambda: self._rules.asked(text)), versions.current_policy()
        listed, took = lists.detect_blocklists(policy, Stage.QUESTION, text), {"rules": ms}
        if listed or not ruled.allowed:
            decided = decide_verdict(Stage.QUESTION, text, ruled, None, policy, further=listed, took=took)
            if not decided.allowed:
                return decided
        async with _text_time_limit(took):
            known = await vector if vector is not None else None
            # With a given vector scoring takes a third of a millisecond, less than a switch to another thread and back.
            scores = (
                score_text(text, known)
                if known is not None and len(text) <= PART_CHARACTERS
                else await in_pool(score_text, text)
            )
        return await _ask_guard_if_unsure(Stage.QUESTION, text, ruled, scores, policy, listed, took)

    async def sentence(self, text: str, since: int) -> Verdict:
        (ruled, ms), policy = timeouts.measure_time(lambda: self._rules.said(text, since)), versions.current_policy()
        listed, took = (
            [*canary.detect_canary(text, since), *lists.detect_blocklists(policy, Stage.ANSWER, text, since)],
            {"rules": ms},
        )
        if listed or not ruled.allowed or len(text) < _SHORTEST:
            decided = decide_verdict(Stage.ANSWER, text, ruled, None, policy, further=listed, took=took)
            if not decided.allowed or len(text) < _SHORTEST:
                return decided
        async with _text_time_limit(took):
            scores = await self._sentences.scores(_recent(text, since))
        return await _ask_guard_if_unsure(Stage.ANSWER, text, ruled, scores, policy, listed, took)

    def passage(self, text: str) -> Verdict:
        (ruled, ms), policy = timeouts.measure_time(lambda: self._rules.passage(text)), versions.current_policy()
        listed, took = lists.detect_blocklists(policy, Stage.PASSAGE, text), {"rules": ms}
        if not ruled.allowed or not text.strip():
            decided = decide_verdict(Stage.PASSAGE, text, ruled, None, policy, further=listed, took=took)
            if not text.strip() or (decided.judged is not None and decided.judged.outcome.reviewed):
                return decided
        with _engine_errors_as_unavailable():
            scores, took["text"] = _in_time("text", 1, lambda: score_text(text))
            signals, _ = _in_time("planted", 1, lambda: detect_injections([text]))
        return decide_verdict(Stage.PASSAGE, text, ruled, scores, policy, further=[*signals, *listed], took=took)

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
        rules = [timeouts.measure_time(partial(self._rules.passage, text)) for text in texts]
        with _engine_errors_as_unavailable():
            classify, policy = registry.get_text_classifier(), versions.current_policy()
            rows, ms = _in_time("text", len(texts), lambda: _read(classify, texts, vectors))
            signals, _ = _in_time("planted", len(texts), lambda: detect_injections(texts, suspects))
        return [
            decide_verdict(
                Stage.PASSAGE,
                text,
                ruled,
                dict(zip(classify.labels, map(float, row), strict=True)),
                policy,
                further=(signal, *lists.detect_blocklists(policy, Stage.PASSAGE, text)),
                took={"rules": took, "text": ms / len(texts)},
            )
            for text, (ruled, took), row, signal in zip(texts, rules, rows, signals, strict=True)
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
    ruled: Verdict,
    scores: Mapping[str, float],
    policy: Policy,
    listed: Sequence[Signal],
    took: Durations,
) -> Verdict:
    """Return the verdict; if the classifiers are unsure, with the signal of the guard model, if one is configured."""
    verdict = decide_verdict(stage, text, ruled, scores, policy, further=listed, took=took)
    outcome = verdict.judged.outcome if verdict.judged else PolicyResult(None)
    if is_unsure(stage, scores, outcome, policy) and (said := await ask_guard(stage, text, policy)) is not None:
        verdict = decide_verdict(stage, text, ruled, scores, policy, said, listed, took)
    if verdict.judged is None or not verdict.judged.outcome.reviewed:
        return verdict
    return await in_pool(add_evidence_spans, verdict, policy, score_texts)


@asynccontextmanager
async def _text_time_limit(took: dict[str, float]) -> AsyncIterator[None]:
    """Limit the time of the text classifiers and store the milliseconds. Raise TimeoutError or CheckUnavailable."""
    began = time.perf_counter()
    with _engine_errors_as_unavailable():
        async with asyncio.timeout(timeouts.TIMEOUT_S["text"]):
            yield
    took["text"] = (time.perf_counter() - began) * 1000


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


def _read(classify: TextClassifier, texts: Sequence[str], vectors: Vectors) -> Vectors:
    """Return the scores, one row per text, from the embedding that the classifiers expect."""
    reads = registry.get_classifier_embedder()
    return _rows(classify, texts, vectors if reads is registry.get_embedder() else reads.embed_passages(texts))


def _rows(classify: TextClassifier, texts: Sequence[str], vectors: Vectors) -> Vectors:
    """Return the scores, texts × labels, each 0 to 1.

    Raise CheckUnavailable if the classifier returns anything else.
    """
    rows = np.asarray(classify.scores(texts, vectors))
    if rows.shape != (len(texts), len(classify.labels)) or not np.all((rows >= 0) & (rows <= 1)):
        raise CheckUnavailable
    return rows


def score_text(text: str, vector: Vectors | None = None) -> dict[str, float]:
    """Return the highest score of any part of the text, by label.

    `vector` is the embedding of the whole text, if known.
    """
    pieces, reads, classify = (
        split_for_classifier(text),
        registry.get_classifier_embedder(),
        registry.get_text_classifier(),
    )
    read = [classify.text_to_embed(piece) for piece in pieces]
    if len(pieces) > 1:
        vectors = reads.embed_passages(read)
    elif vector is None or reads is not registry.get_embedder() or read[0] != text:
        vectors = reads.embed_query(read[0])[None, :]
    else:
        vectors = vector[None, :]
    highest = np.max(_rows(classify, pieces, vectors), axis=0)
    return dict(zip(classify.labels, map(float, highest), strict=True))


def score_texts(texts: Sequence[str]) -> list[dict[str, float]]:
    """Return the scores of each text like `score_text`, in one pass of the embedder."""
    pieces, classify = [split_for_classifier(text) for text in texts], registry.get_text_classifier()
    every = [piece for of_text in pieces for piece in of_text]
    read = [classify.text_to_embed(piece) for piece in every]
    rows = _rows(classify, every, registry.get_classifier_embedder().embed_passages(read))
    starts = np.cumsum([0, *(len(of_text) for of_text in pieces[:-1])])
    highest = np.maximum.reduceat(rows, starts, axis=0)
    return [dict(zip(classify.labels, map(float, row), strict=True)) for row in highest]
