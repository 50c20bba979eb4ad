"""How far people agree, beyond chance. Pure: lists of answers in, a coefficient and its interval out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

_DRAWS = 1000  # of the bootstrap
_SEED = 7
Unit = Sequence[Hashable]  # what each of two or more people said of one text


@dataclass(frozen=True, slots=True)
class Coefficient:
    """1: always agreed, 0: as by chance. `low` and `high` hold it in 95 of 100 cases (bootstrap over the texts)."""

    value: float
    low: float
    high: float
    units: int


def kappa(units: Sequence[Unit]) -> Coefficient | None:
    """Cohen's, of two people; nothing where it is not defined: no texts, or both always said the same one thing."""
    return _with_interval([unit for unit in units if len(unit) == 2], _kappa)


def alpha(units: Sequence[Unit]) -> Coefficient | None:
    """Krippendorff's, nominal, of two or more people a text."""
    return _with_interval([unit for unit in units if len(unit) >= 2], _alpha)


def _with_interval(units: Sequence[Unit], measure: Callable[[Sequence[Unit]], float | None]) -> Coefficient | None:
    value = measure(units)
    if value is None:
        return None
    chance = random.Random(_SEED)  # noqa: S311 - draws of a statistic, always the same ones
    drawn = [measure(chance.choices(units, k=len(units))) for _ in range(_DRAWS)]
    known = sorted(one for one in drawn if one is not None)
    low, high = known[int(0.025 * len(known))], known[min(len(known) - 1, int(0.975 * len(known)))]
    return Coefficient(value, min(low, value), max(high, value), len(units))


def _kappa(units: Sequence[Unit]) -> float | None:
    if not units:
        return None
    n = len(units)
    first, second = Counter(unit[0] for unit in units), Counter(unit[1] for unit in units)
    seen = sum(unit[0] == unit[1] for unit in units) / n
    chance = sum(first[answer] * second[answer] for answer in first) / n**2
    return None if chance == 1 else (seen - chance) / (1 - chance)


def _alpha(units: Sequence[Unit]) -> float | None:
    """1 - observed / expected disagreement, from the coincidences of answers (Krippendorff 2011)."""
    total: Counter[Hashable] = Counter()
    apart = 0.0
    for unit in units:
        counts = Counter(unit)
        total.update(counts)
        apart += sum(count * (len(unit) - count) for count in counts.values()) / (len(unit) - 1)
    n = sum(total.values())
    expected = sum(count * (n - count) for count in total.values()) / (n - 1) if n > 1 else 0.0
    return None if expected == 0 else 1 - apart / expected
