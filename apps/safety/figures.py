"""How well review and its checks do, by clause and stage, from what people decided. Every share has its interval."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import quantiles

from django.utils import timezone

from apps.safety.agreement import Coefficient, alpha, kappa
from apps.safety.models import Case, Decision, Opinion, Snapshot
from apps.safety.transitions import State

DAYS = 28
_O = Decision.Outcome
HARMFUL = {_O.BLOCK, _O.REDACT, _O.BLUR, _O.WARN, _O.RESTRICT, _O.SUSPEND, _O.UPHOLD}
_RULED = {Decision.Outcome.UPHOLD, Decision.Outcome.OVERTURN}
_BINS = 10  # of scores, for drift
_LEAST = 20  # texts on each side before drift says anything


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the interval in which the true share lies in 95 of 100 cases (Wilson)."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float]:
        if not self.whole:
            return 0.0, 1.0
        z, n, p = 1.96, self.whole, self.part / self.whole
        middle = p + z * z / (2 * n)
        wide = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - wide) / (1 + z * z / n), (middle + wide) / (1 + z * z / n)
        return max(0.0, low), min(1.0, high)


@dataclass(slots=True)
class Row:
    """Of one clause at one stage."""

    clause: str
    stage: str
    cases: int = 0
    waiting: int = 0
    overdue: int = 0
    right: int = 0  # decided in the end as the check had it
    decided: int = 0
    overturned: int = 0
    ruled: int = 0
    hours: list[float] = field(default_factory=list)  # to the first decision

    @property
    def precision(self) -> Share:
        return Share(self.right, self.decided)

    @property
    def overturn(self) -> Share:
        return Share(self.overturned, self.ruled)

    @property
    def median_h(self) -> float | None:
        return self._hours(50)

    @property
    def slowest_h(self) -> float | None:
        """That 95 of 100 did not exceed."""
        return self._hours(95)

    def _hours(self, percent: int) -> float | None:
        if len(self.hours) < 2:
            return next(iter(self.hours), None)
        return quantiles(self.hours, n=100, method="inclusive")[percent - 1]


def rows(days: int = DAYS) -> list[Row]:
    """By clause and stage, over the cases of the last days; those with most cases first."""
    now, found = timezone.now(), dict[tuple[str, str], Row]()
    cases = Case.objects.filter(created__gt=now - timedelta(days=days)).select_related("snapshot")
    for case in cases.prefetch_related("decisions"):
        key = case.area, case.snapshot.stage
        row = found.setdefault(key, Row(*key))
        row.cases += 1
        row.waiting += case.state in (State.OPEN, State.CLAIMED, State.ESCALATED, State.APPEALED, State.APPEAL_CLAIMED)
        row.overdue += case.overdue
        _count(row, case, [one for one in case.decisions.all() if one.undone is None])
    return sorted(found.values(), key=lambda row: (-row.cases, row.clause, row.stage))


def drift(days: int = DAYS) -> dict[str, float]:
    """By clause the stability index (PSI) of scores: the last days against as many before. Above 0.2 something moved;
    a clause with few texts on either side is left out."""
    now = timezone.now()
    sides: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    recent = Snapshot.objects.filter(created__gt=now - timedelta(days=2 * days)).exclude(code="")
    for code, score, created in recent.values_list("code", "score", "created"):
        sides[code][created > now - timedelta(days=days)].append(score)
    return {code: psi(*pair) for code, pair in sorted(sides.items()) if min(map(len, pair)) >= _LEAST}


def psi(before: Sequence[float], after: Sequence[float]) -> float:
    """Population stability index of two samples of scores, 0 to 1; 0: the same distribution."""
    total = 0.0
    for old, new in zip(_shares(before), _shares(after), strict=True):
        total += (new - old) * math.log(new / old)
    return total


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of decisions and the second looks at them; and of known answers. Per person it is shown to nobody else."""

    same: Share
    kappa: Coefficient | None
    alpha: Coefficient | None
    gold: Share
    own: Share  # of known answers, by who looks at the page


def agreement(reviewer: int, days: int = 4 * DAYS) -> Agreement:
    """Both answers are "against the clause" or "harmless"; `alpha` also counts what was asked for and known."""
    since = timezone.now() - timedelta(days=days)
    rows = Opinion.objects.filter(given__gt=since).select_related("decision", "gold")
    pairs, units, right = [], [], []
    for row in rows:
        if row.decision is not None and row.decision.undone is None:
            pairs.append((row.decision.outcome in HARMFUL, row.harmful))
        if row.gold is not None:
            right.append((row.reviewer_id, row.harmful == row.gold.harmful))
            units.append((row.gold.harmful, row.harmful))
    mine = [good for who, good in right if who == reviewer]
    return Agreement(
        Share(sum(one == other for one, other in pairs), len(pairs)), kappa(pairs), alpha(pairs + units),
        Share(sum(good for _, good in right), len(right)), Share(sum(mine), len(mine)),
    )  # fmt: skip


def unchecked(days: int = DAYS) -> int:
    """Texts that were withheld because a check was away."""
    since = timezone.now() - timedelta(days=days)
    return Snapshot.objects.filter(code="unchecked", created__gt=since).count()


def _count(row: Row, case: Case, decisions: Sequence[Decision]) -> None:
    if not decisions:
        return
    first, last = decisions[0], decisions[-1]
    row.decided += 1
    row.right += last.outcome in HARMFUL
    row.hours.append((first.created - case.created).total_seconds() / 3600)
    if last.outcome in _RULED:
        row.ruled += 1
        row.overturned += last.outcome == Decision.Outcome.OVERTURN


def _shares(scores: Sequence[float]) -> list[float]:
    """Of each bin, none of them zero."""
    counts = [0.5] * _BINS
    for score in scores:
        counts[min(_BINS - 1, int(score * _BINS))] += 1
    return [count / sum(counts) for count in counts]
