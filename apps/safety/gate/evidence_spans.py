"""Find the sentences that led the classifiers to a review, by scoring each sentence alone.

Only texts that are sent to review are searched; a failure leaves the verdict unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from apps.engines.types import EngineError
from apps.lib.text import sentences
from apps.safety.policy.evaluation import Signal
from apps.safety.policy.schema import Policy, Stage
from apps.safety.policy.verdicts import CheckUnavailable, Verdict

MAX_SENTENCES = 40  # sentences that are scored
TEXT_DETECTOR = "text"

ScoreTexts = Callable[[Sequence[str]], Sequence[Mapping[str, float]]]


def add_evidence_spans(verdict: Verdict, policy: Policy, read: ScoreTexts) -> Verdict:
    """Return the verdict with spans in the classifier's signal.

    Unchanged unless the classifiers decided and the text has several sentences. `read` scores texts by label; it may be
    slow.
    """
    judged = verdict.judged
    if judged is None or not judged.outcome.reviewed:
        return verdict
    said = next((signal for signal in judged.signals if signal.detector == TEXT_DETECTOR), None)
    clause = policy.clause(judged.outcome.code)
    spans = sentences.find_sentences(judged.text)[:MAX_SENTENCES]
    if said is None or clause is None or len(spans) < 2:
        return verdict
    if judged.outcome.score != round(float(said.scores.get(clause.code, -1)), 6):  # rounded as in a verdict
        return verdict
    try:
        scores = [row.get(clause.code, 0.0) for row in read([judged.text[start:end] for start, end in spans])]
    except (EngineError, CheckUnavailable):
        return verdict
    steps = clause.steps.get(Stage(judged.stage), ())
    least = steps[0].least if steps else 1.0
    surest = max(scores)
    found = tuple(span for span, score in zip(spans, scores, strict=True) if score >= least or score == surest)
    return replace(verdict, judged=replace(judged, signals=tuple(_with(one, said, found) for one in judged.signals)))


def _with(signal: Signal, said: Signal, spans: tuple[tuple[int, int], ...]) -> Signal:
    return replace(signal, spans=spans) if signal is said else signal
