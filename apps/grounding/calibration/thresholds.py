"""Thresholds of a check of sentences from its scores of the calibration pairs. Entry point: `compute_rates`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.lib.proportions import Proportion

MAX_FALSE_BOUND = 0.02  # highest share of false sentences that may pass, as the upper bound of the interval, 0 to 1
MIN_TRUE_SHARE = 0.3  # lowest share of true sentences that must pass, 0 to 1


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """Score of one pair by a check, 0 to 1; 0 never passes. `by_rule`: it passes or fails without the check."""

    language: str
    is_true: bool
    score: float
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class LanguageRates:
    """Outcome for one language: the threshold, None if there is none, and what passes at it."""

    threshold: float | None
    true: Proportion
    false: Proportion

    @property
    def is_accepted(self) -> bool:
        """True if the check may be used for sentences of the language."""
        return self.threshold is not None and (self.true.value or 0.0) >= MIN_TRUE_SHARE


def compute_rates(scored: Sequence[ScoredPair]) -> dict[str, LanguageRates]:
    """Return the rates by language.

    No language has the 133 false pairs that alone could show a bound of 2 %, so the threshold is the lowest one that
    keeps the bound over all languages together; where more than 2 % of a language's own false pairs pass at it, it is
    the lowest one at which no more do.
    """
    pooled = _find_lowest(scored, _keeps_bound)
    return {
        language: _measure(own, pooled)
        for language in sorted({pair.language for pair in scored})
        if (own := [pair for pair in scored if pair.language == language])
    }


def measure_at(scored: Iterable[ScoredPair], threshold: float) -> dict[str, LanguageRates]:
    """Return the rates by language at a given threshold."""
    pairs = list(scored)
    languages = sorted({pair.language for pair in pairs})
    return {name: _count([pair for pair in pairs if pair.language == name], threshold) for name in languages}


def _measure(own: Sequence[ScoredPair], pooled: float | None) -> LanguageRates:
    alone = _find_lowest(own, _keeps_share)
    if pooled is None or alone is None:
        return LanguageRates(None, _share(own, None, true=True), _share(own, None, true=False))
    return _count(own, max(pooled, alone))


def _count(own: Sequence[ScoredPair], threshold: float) -> LanguageRates:
    return LanguageRates(threshold, _share(own, threshold, true=True), _share(own, threshold, true=False))


def _share(pairs: Iterable[ScoredPair], threshold: float | None, *, true: bool) -> Proportion:
    """Return how many pass; with no threshold, those that a rule lets pass."""
    chosen = [pair for pair in pairs if pair.is_true is true]
    return Proportion(sum(_passes(pair, threshold) for pair in chosen), len(chosen))


def _passes(pair: ScoredPair, threshold: float | None) -> bool:
    return pair.score > 0 and (pair.by_rule or (threshold is not None and pair.score >= threshold))


def _find_lowest(pairs: Sequence[ScoredPair], is_kept: Callable[[Proportion], bool]) -> float | None:
    """Return the lowest score from which the false pairs left to the check keep to `is_kept`; None if none does."""
    false = [pair.score for pair in pairs if not pair.is_true and not pair.by_rule]
    for threshold in sorted({pair.score for pair in pairs if pair.score > 0 and not pair.by_rule}):
        if is_kept(Proportion(sum(score >= threshold for score in false), len(false))):
            return threshold
    return None


def _keeps_bound(share: Proportion) -> bool:
    return share.upper_bound <= MAX_FALSE_BOUND


def _keeps_share(share: Proportion) -> bool:
    return (share.value or 0.0) <= MAX_FALSE_BOUND


def write_rates(rates: Mapping[str, LanguageRates]) -> dict[str, dict[str, float | list[int] | None]]:
    """Return the rates as JSON values."""
    return {
        language: {
            "threshold": one.threshold,
            "true": [one.true.part, one.true.whole],
            "false": [one.false.part, one.false.whole],
        }
        for language, one in rates.items()
    }
