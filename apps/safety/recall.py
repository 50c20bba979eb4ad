"""What the checks find of what there is: known only from texts that were let through and read at random."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from apps.safety.figures import DAYS, HARMFUL, Share
from apps.safety.models import Audited, Case


@dataclass(frozen=True, slots=True)
class Recall:
    """Of one stage, among people who agreed. `value`, `low` and `high` are shares; None where nothing was read."""

    stage: str
    read: Share  # found harmful, of those that were read
    let_through: float  # texts, estimated from the sample (Horvitz-Thompson)
    missed: float  # of them against a clause, estimated
    found: int  # cases that people decided to be harmful
    value: float | None
    low: float | None
    high: float | None


def rows(days: int = 4 * DAYS) -> list[Recall]:
    """The interval is that of the share of misses (Wilson, 95 of 100), carried over."""
    since = timezone.now() - timedelta(days=days)
    weights: dict[str, float] = defaultdict(float)
    read: dict[str, list[bool]] = defaultdict(list)
    sample = Audited.objects.filter(created__gt=since)
    for stage, chance, given, clause in sample.values_list("stage", "chance", "given", "clause"):
        weights[stage] += 1 / chance
        if given is not None:
            read[stage].append(bool(clause))
    found = _found(since, days)
    return [_recall(stage, weights[stage], Share(sum(read[stage]), len(read[stage])), found[stage])
            for stage in sorted(weights)]  # fmt: skip


def _recall(stage: str, weight: float, missed: Share, found: int) -> Recall:
    if missed.value is None:
        return Recall(stage, missed, weight, 0.0, found, None, None, None)
    low, high = missed.interval
    shares = [_share(found, weight * rate) for rate in (missed.value, high, low)]
    return Recall(stage, missed, weight, weight * missed.value, found, *shares)


def _share(found: int, missed: float) -> float | None:
    return found / (found + missed) if found + missed else None


def _found(since: object, days: int) -> dict[str, int]:
    """Of the same people, by stage; what the sample itself brought is not the checks' merit."""
    counts: dict[str, int] = defaultdict(int)
    cases = Case.objects.filter(created__gt=since, owner__read_at_random=True).exclude(snapshot__signals=[])
    for case in cases.select_related("snapshot").prefetch_related("decisions"):
        last = [one for one in case.decisions.all() if one.undone is None][-1:]
        counts[case.snapshot.stage] += bool(last and last[0].outcome in HARMFUL)
    return counts
