"""Ranking metrics with bootstrap intervals. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import bootstrap

_DRAWS = 2_000  # bootstrap samples


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int], depth: int = 10) -> float:
    """Return the normalised discounted cumulative gain of the first `depth`, with graded judgements. `relevant` must
    not be empty."""
    found = sum(relevant.get(text, 0) / math.log2(rank + 2) for rank, text in enumerate(ranking[:depth]))
    ideal = sorted(relevant.values(), reverse=True)[:depth]
    return found / sum(grade / math.log2(rank + 2) for rank, grade in enumerate(ideal))


def recall(ranking: Sequence[str], relevant: Mapping[str, int], depth: int) -> float:
    """Return the share of the relevant texts among the first `depth`. `relevant` must not be empty."""
    return len(relevant.keys() & set(ranking[:depth])) / len(relevant)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by bootstrap over the values. Deterministic."""
    if len(set(values)) == 1:  # no interval for scipy
        return float(values[0]), float(values[0])
    found = bootstrap((values,), np.mean, n_resamples=_DRAWS, method="percentile", rng=7).confidence_interval
    return float(found.low), float(found.high)
