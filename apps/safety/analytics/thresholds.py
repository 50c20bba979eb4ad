"""Precision and recall of the thresholds of a policy, among texts that people decided about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.lib.proportions import Proportion
from apps.safety.models import HARMFUL_OUTCOMES, Decision
from apps.safety.policy.schema import Action, Policy

MAX_DECISIONS = 5000  # decisions that are read
MIN_TEXTS = 30  # decided texts below which a threshold says little

ScoresByClause = dict[
    tuple[str, str], list[tuple[float, bool]]
]  # by clause and stage: score, and whether it was against it


@dataclass(frozen=True, slots=True)
class ThresholdMetrics:
    """One step of a policy, measured on the decided texts with a score for its clause at its stage."""

    clause: str
    stage: str
    action: Action
    least: float  # score from which on the action is taken
    texts: int  # decided texts with a score
    held: int  # of them, at or above `least`
    precision: Proportion
    recall: Proportion  # of what was flagged at all: what no check noticed is in no case


def collect_scores() -> ScoresByClause:
    """Return the scores of decided texts, by the last decision of each case that stands; of several detectors the
    highest score counts."""
    rows = Decision.objects.filter(undone=None).select_related("case__snapshot").order_by("-created")
    rows = rows.defer("case__snapshot__text", "case__snapshot__context")[:MAX_DECISIONS]
    last: dict[Any, Decision] = {}
    for row in rows:
        last.setdefault(row.case_id, row)
    found: ScoresByClause = defaultdict(list)
    for row in last.values():
        shot = row.case.snapshot
        highest: dict[str, float] = {}
        for signal in shot.signals:
            for label, score in signal.get("scores", {}).items():
                highest[label] = max(score, highest.get(label, 0.0))
        bad = row.outcome in HARMFUL_OUTCOMES
        for label, score in highest.items():
            if not bad or row.clause == label:  # what was against another clause says nothing about this one
                found[label, shot.stage].append((score, bad))
    return dict(found)


def measure_thresholds(policy: Policy) -> list[ThresholdMetrics]:
    """Return each step of the policy for which decided texts have a score, in the order of its clauses."""
    found = collect_scores()
    return [
        _measure(clause.code, stage, step.action, step.least, found[clause.code, stage])
        for clause in policy.clauses.values()
        for stage, steps in clause.steps.items()
        if (clause.code, stage) in found
        for step in steps
    ]


def _measure(
    clause: str, stage: str, action: Action, least: float, texts: Sequence[tuple[float, bool]]
) -> ThresholdMetrics:
    above = [bad for score, bad in texts if score >= least]
    precision, recall = Proportion(sum(above), len(above)), Proportion(sum(above), sum(bad for _, bad in texts))
    return ThresholdMetrics(clause, stage, action, least, len(texts), len(above), precision, recall)
