"""Measure review and its checks by clause and stage, from reviewers' decisions.

Every share has a confidence interval.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median, quantiles

from django.utils import timezone

from apps.lib.proportions import Proportion
from apps.safety.models import HARMFUL_OUTCOMES, Case, Decision, SecondReview, Snapshot
from apps.safety.policy.evaluation import ACCOUNT, UNCHECKED

WINDOW_DAYS = 28
_APPEAL_OUTCOMES = {Decision.Outcome.UPHOLD, Decision.Outcome.OVERTURN}


@dataclass(frozen=True, slots=True)
class MedianWithInterval:
    """Median of hours with its 95 % confidence interval, and the 95th percentile (`p95`).

    `interval` is None if there are too few values for one.
    """

    value: float
    interval: tuple[float, float] | None
    p95: float


@dataclass(slots=True)
class ClauseMetrics:
    """Metrics of one clause at one stage."""

    clause: str
    stage: str
    cases: int = 0
    waiting: int = 0
    overdue: int = 0
    correct: int = 0  # found by a check, and harmful by the last decision
    decided: int = 0  # found by a check, and decided
    overturned: int = 0
    appeals_decided: int = 0
    hours: list[float] = field(default_factory=list)  # to the first decision

    @property
    def precision(self) -> Proportion:
        """Share of correct findings of the checks. Cases reported by users do not count."""
        return Proportion(self.correct, self.decided)

    @property
    def overturn_rate(self) -> Proportion:
        return Proportion(self.overturned, self.appeals_decided)

    @property
    def decision_time(self) -> MedianWithInterval | None:
        return median_with_interval(self.hours)


def median_with_interval(hours: Sequence[float]) -> MedianWithInterval | None:
    """Return the median with its interval; None if `hours` is empty.

    The interval is that of the order statistics, valid for any distribution.
    """
    ordered, n = sorted(hours), len(hours)
    if not ordered:
        return None
    slowest = quantiles(ordered, n=100, method="inclusive")[94] if n > 1 else ordered[0]
    half_width = 1.96 * math.sqrt(n) / 2
    low, high = math.floor(n / 2 - half_width), math.ceil(n / 2 + half_width)
    return MedianWithInterval(
        median(ordered), (ordered[low], ordered[high]) if low >= 0 and high < n else None, slowest
    )


def measure_clauses() -> list[ClauseMetrics]:
    """Return the metrics by clause and stage over the cases of the last WINDOW_DAYS days, most cases first."""
    metrics: dict[tuple[str, str], ClauseMetrics] = {}
    cases = Case.objects.filter(created__gt=_days_ago(WINDOW_DAYS)).exclude(clause=ACCOUNT).select_related("snapshot")
    cases = cases.defer("snapshot__text", "snapshot__context")  # not needed, and costly to decrypt
    for case in cases.prefetch_related("decisions"):
        key = case.clause, case.snapshot.stage
        clause_metrics = metrics.setdefault(key, ClauseMetrics(*key))
        clause_metrics.cases += 1
        clause_metrics.waiting += case.waiting
        clause_metrics.overdue += case.overdue
        _count(clause_metrics, case, [decision for decision in case.decisions.all() if decision.undone is None])
    return sorted(
        metrics.values(),
        key=lambda clause_metrics: (-clause_metrics.cases, clause_metrics.clause, clause_metrics.stage),
    )


@dataclass(frozen=True, slots=True)
class ReviewerAgreement:
    """Shares of second reviews that agree with the decision on whether the text is harmful."""

    overall: Proportion
    by_clause: dict[tuple[str, str], Proportion]  # by clause and stage


def measure_agreement() -> ReviewerAgreement:
    """Return how often second reviews of the last four times WINDOW_DAYS days agree with the decision."""
    rows = SecondReview.objects.filter(submitted__gt=_days_ago(4 * WINDOW_DAYS), decision__undone=None)
    rows = rows.exclude(decision=None)
    parts: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for outcome, harmful, clause, stage in rows.values_list(
        "decision__outcome", "harmful", "clause", "snapshot__stage"
    ):
        parts[clause, stage].append((outcome in HARMFUL_OUTCOMES) == harmful)
    all_pairs = [same for agreed in parts.values() for same in agreed]
    shares = {key: Proportion(sum(agreed), len(agreed)) for key, agreed in sorted(parts.items())}
    return ReviewerAgreement(Proportion(sum(all_pairs), len(all_pairs)), shares)


def count_unchecked() -> int:
    """Return how many texts of the last WINDOW_DAYS days were withheld because a check was unavailable."""
    return Snapshot.objects.filter(code=UNCHECKED, created__gt=_days_ago(WINDOW_DAYS)).count()


def _days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def _count(metrics: ClauseMetrics, case: Case, decisions: Sequence[Decision]) -> None:
    if not decisions:
        return
    first, last = decisions[0], decisions[-1]
    if case.snapshot.signals:
        metrics.decided += 1
        metrics.correct += last.outcome in HARMFUL_OUTCOMES
    metrics.hours.append((first.created - case.created).total_seconds() / 3600)
    if last.outcome in _APPEAL_OUTCOMES:
        metrics.appeals_decided += 1
        metrics.overturned += last.outcome == Decision.Outcome.OVERTURN
