"""Proportions with their confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext


@dataclass(frozen=True, slots=True)
class Proportion:
    """Share of `part` in `whole`, with its 95 % confidence interval (Wilson)."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None for a `whole` of 0."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound, 0 to 1; (0, 1) for a `whole` of 0."""
        return self._compute_interval(1.96)

    @property
    def lower_bound(self) -> float:
        """Bound that the true share exceeds with 95 % certainty (one-sided, z = 1.645), 0 to 1."""
        return self._compute_interval(1.645)[0]

    @property
    def upper_bound(self) -> float:
        """Bound below which the true share is with 95 % certainty (one-sided, z = 1.645), 0 to 1."""
        return self._compute_interval(1.645)[1]

    def _compute_interval(self, z: float) -> tuple[float, float]:
        if not self.whole:
            return 0.0, 1.0
        n, p = self.whole, self.part / self.whole
        middle = p + z * z / (2 * n)
        wide = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - wide) / (1 + z * z / n), (middle + wide) / (1 + z * z / n)
        return max(0.0, low), min(1.0, high)


def format_percent(share: float | None, decimals: int = 0) -> str:
    """Return a share of 1 in percent: "83%" in English, "83 %" in German; a dash for None."""
    if share is None:
        return "–"
    return gettext("%(number)s%%") % {"number": number_format(round(share * 100, decimals), decimals)}
