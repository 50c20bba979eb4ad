"""Measure precision and recall of a policy's thresholds on texts that reviewers decided about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.lib.proportions import Proportion
from apps.safety.models import HARMFUL_OUTCOMES, Decision
from apps.safety.policy.schema import Action, Policy

MAX_DECISIONS = 5000  # latest decisions that are read
MIN_TEXTS = 30  # decided texts; a threshold with fewer is not reliable

# By clause and stage: score, and whether the text violated the clause.
ScoresByClause = dict[tuple[str, str], list[tuple[float, bool]]]


@dataclass(frozen=True, slots=True)
class ThresholdMetrics:
    """Precision and recall of one threshold on the decided texts with a score for its clause at its stage."""

    clause: str
    stage: str
    action: Action
    min_score: float  # score from which the action is taken
    texts: int  # decided texts with a score
    above: int  # of them, at or above `min_score`
    precision: Proportion
    recall: Proportion  # among flagged texts only; unnoticed texts have no case


def collect_scores() -> ScoresByClause:
    """Return the scores of decided texts, by the last standing decision of each case.

    The highest score of several detectors counts.
    """
    rows = Decision.objects.filter(undone=None).select_related("case__snapshot").order_by("-created")
    rows = rows.defer("case__snapshot__text", "case__snapshot__context")[:MAX_DECISIONS]
    last_decisions: dict[Any, Decision] = {}
    for row in rows:
        last_decisions.setdefault(row.case_id, row)
    scores: ScoresByClause = defaultdict(list)
    for row in last_decisions.values():
        snapshot = row.case.snapshot
        highest: dict[str, float] = {}
        for signal in snapshot.signals:
            for label, score in signal.get("scores", {}).items():
                highest[label] = max(score, highest.get(label, 0.0))
        is_harmful = row.outcome in HARMFUL_OUTCOMES
        for label, score in highest.items():
            if not is_harmful or row.clause == label:  # a violation of another clause is no label for this one
                scores[label, snapshot.stage].append((score, is_harmful))
    return dict(scores)


def measure_thresholds(policy: Policy) -> list[ThresholdMetrics]:
    """Return the metrics of each threshold for which decided texts have a score, in the order of the clauses."""
    scores = collect_scores()
    return [
        _measure(clause.code, stage, threshold.action, threshold.min_score, scores[clause.code, stage])
        for clause in policy.clauses.values()
        for stage, thresholds in clause.thresholds.items()
        if (clause.code, stage) in scores
        for threshold in thresholds
    ]


def _measure(
    clause: str, stage: str, action: Action, min_score: float, texts: Sequence[tuple[float, bool]]
) -> ThresholdMetrics:
    above = [is_harmful for score, is_harmful in texts if score >= min_score]
    precision, recall = (
        Proportion(sum(above), len(above)),
        Proportion(sum(above), sum(is_harmful for _, is_harmful in texts)),
    )
    return ThresholdMetrics(clause, stage, action, min_score, len(texts), len(above), precision, recall)
