"""Whether what is judged changes: the scores of the last week against those of the weeks before, by clause and stage.

Counted over verdicts that were recorded, also of what was let through (`recorded.py`): no word of any text is needed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import F
from django.utils import timezone

from apps.safety.folding import Status
from apps.safety.models import Recorded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.floating[Any]]

RECENT_DAYS = 7
MOVED = 0.2  # from this index on something has moved, as the index is commonly read
LEAST = 50  # scores on each side before it says anything
_MOST = 4000  # verdicts of each side that are read, evenly drawn
_EDGES = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)  # most scores are small
_DRAWS, _SEED = 500, 7

Scores = Mapping[tuple[str, str], Sequence[float]]  # by label and stage


@dataclass(frozen=True, slots=True)
class Drift:
    """Population stability index of one label at one stage; 0: the same distribution. `low` and `high` hold it in 95
    of 100 cases (bootstrap)."""

    clause: str
    stage: str
    value: float
    low: float
    high: float
    texts: int  # of the last week

    @property
    def moved(self) -> bool:
        """Beyond what chance makes of so few texts."""
        return self.low > MOVED


def rows() -> list[Drift]:
    """Those that moved most first."""
    now = timezone.now()
    border = now - timedelta(days=RECENT_DAYS)
    after, before = _scores(border, now + timedelta(hours=1)), _scores(now - timedelta(days=3650), border)
    found = [
        _drift(key, before[key], after[key])
        for key in after.keys() & before.keys()
        if min(len(before[key]), len(after[key])) >= LEAST
    ]
    return sorted(found, key=lambda row: (-row.value, row.clause, row.stage))


def _drift(key: tuple[str, str], before: Sequence[float], after: Sequence[float]) -> Drift:
    chance = np.random.default_rng(_SEED)
    old, new = _counts(before), _counts(after)
    drawn = [chance.multinomial(len(side), counts / counts.sum(), _DRAWS)
             for side, counts in ((before, old), (after, new))]  # fmt: skip
    low, high = np.quantile(_index(drawn[0] + 0.5, drawn[1] + 0.5), (0.025, 0.975))
    value = float(_index(old, new))
    return Drift(*key, value, min(float(low), value), max(float(high), value), len(after))


def _index(old: Counts, new: Counts) -> Counts:
    """Over the last axis, whose counts are above zero."""
    before, after = old / old.sum(-1, keepdims=True), new / new.sum(-1, keepdims=True)
    found: Counts = np.sum((after - before) * np.log(after / before), axis=-1)
    return found


def _counts(scores: Sequence[float]) -> Counts:
    """Of each bin, none of them zero."""
    return 0.5 + np.bincount(np.searchsorted(_EDGES, scores, side="right"), minlength=len(_EDGES) + 1)


def _scores(since: datetime, until: datetime) -> dict[tuple[str, str], list[float]]:
    sample = Recorded.objects.filter(hour__gte=since, hour__lt=until)
    step = max(1, math.ceil(sample.count() / _MOST))
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for stage, signals in sample.annotate(turn=F("pk") % step).filter(turn=0).values_list("stage", "signals"):
        highest: dict[str, float] = {}
        for signal in signals:
            if signal["status"] == Status.OK:
                for label, score in signal["scores"].items():
                    highest[label] = max(score, highest.get(label, 0.0))
        for label, score in highest.items():
            found[label, stage].append(score)
    return found
