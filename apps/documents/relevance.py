"""Whether a passage has to do with a question: a calibrated probability, and the floor below which it is not shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

FLOOR = 0.25
_BIAS, _COSINE, _COVERAGE = -5.5, 9.0, 3.0


def coverage(idf: Mapping[str, float], words: AbstractSet[str]) -> float:
    """The share of the question's weight, rare words more, that stands in a passage."""
    whole = sum(idf.values())
    return sum(weight for term, weight in idf.items() if term in words) / whole if whole else 0.0


def relevance(cosine: float, covered: float) -> float:
    """Between 0 and 1."""
    return 1 / (1 + math.exp(-(_BIAS + _COSINE * cosine + _COVERAGE * covered)))
