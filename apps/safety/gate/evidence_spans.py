"""Find the sentences that led the classifiers to a review, by scoring each sentence alone.

Only texts that are sent to review are searched; a failure leaves the verdict unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from apps.engines.types import EngineError
from apps.lib.text import sentences
from apps.safety.policy.schema import Policy, Stage
from apps.safety.policy.verdicts import CheckUnavailable, Verdict

MAX_SENTENCES = 40  # sentences that are scored
TEXT_DETECTOR = "text"

ScoreTexts = Callable[[Sequence[str]], Sequence[Mapping[str, float]]]


def add_evidence_spans(verdict: Verdict, policy: Policy, score_texts: ScoreTexts) -> Verdict:
    """Return the verdict with spans in the classifier's signal.

    Unchanged unless the classifiers decided and the text has several sentences. `score_texts` scores texts by label; it
    may be slow.
    """
    evaluation = verdict.evaluation
    if evaluation is None or not evaluation.result.reviewed:
        return verdict
    text_signal = next((signal for signal in evaluation.signals if signal.detector == TEXT_DETECTOR), None)
    clause = policy.clause(evaluation.result.code)
    spans = sentences.find_sentences(evaluation.text)[:MAX_SENTENCES]
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
