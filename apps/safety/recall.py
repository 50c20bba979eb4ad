"""What the checks find of what there is: known only from texts that were let through and read at random."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from apps.safety.figures import DAYS, HARMFUL, Share
from apps.safety.models import Audited, Case


@dataclass(frozen=True, slots=True)
class Recall:
    """Of one stage, or of one clause there, among people who agreed. `value`, `low` and `high` are shares; None where
    nothing was read."""

    stage: str
    clause: str  # empty: any
    read: Share  # found harmful, of those that were read
    let_through: float  # texts, estimated from the sample (Horvitz-Thompson)
    missed: float  # of them against a clause, estimated
    found: int  # cases that people decided to be harmful
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn, by stage."""

    weights: dict[str, float]  # texts that were let through, estimated
    read: dict[str, list[str]]  # against which clause; empty: harmless
    found: Counter[tuple[str, str]]  # what checks found and people decided to be harmful, by stage and clause


def rows(days: int = 4 * DAYS) -> list[Recall]:
    """Of each stage, then of each clause of which anything is known there. The interval is that of the share of misses
    (Wilson, 95 of 100), carried over."""
    sample, found = _sample(days), []
    for stage in sorted(sample.weights):
        clauses = sorted({*sample.read[stage], *(code for where, code in sample.found if where == stage)} - {""})
        for clause in ("", *clauses) if sample.read[stage] else ("",):
            against = sum(bool(code) if clause == "" else code == clause for code in sample.read[stage])
            known = sum(count for (where, code), count in sample.found.items()
                        if where == stage and clause in ("", code))  # fmt: skip
            share = Share(against, len(sample.read[stage]))
            found.append(_recall(stage, clause, sample.weights[stage], share, known))
    return found


def _sample(days: int) -> Sample:
    since = timezone.now() - timedelta(days=days)
    weights: dict[str, float] = defaultdict(float)
    read: dict[str, list[str]] = defaultdict(list)
    drawn = Audited.objects.filter(created__gt=since)
    for stage, chance, given, clause in drawn.values_list("stage", "chance", "given", "clause"):
        weights[stage] += 1 / chance
        if given is not None:
            read[stage].append(clause)
    return Sample(weights, read, _found(since))


def _recall(stage: str, clause: str, weight: float, missed: Share, found: int) -> Recall:
    if missed.value is None:
        return Recall(stage, clause, missed, weight, 0.0, found, None, None, None)
    low, high = missed.interval
    shares = [_share(found, weight * rate) for rate in (missed.value, high, low)]
    return Recall(stage, clause, missed, weight, weight * missed.value, found, *shares)


def _share(found: int, missed: float) -> float | None:
    return found / (found + missed) if found + missed else None


def _found(since: object) -> Counter[tuple[str, str]]:
    """Of the same people; what the sample itself brought is not the checks' merit."""
    counts: Counter[tuple[str, str]] = Counter()
    cases = Case.objects.filter(created__gt=since, owner__read_at_random=True).exclude(snapshot__signals=[])
    cases = cases.select_related("snapshot").defer("snapshot__text", "snapshot__context")
    for case in cases.prefetch_related("decisions"):
        last = [one for one in case.decisions.all() if one.undone is None][-1:]
        if last and last[0].outcome in HARMFUL:
            counts[case.snapshot.stage, case.area] += 1
    return counts
