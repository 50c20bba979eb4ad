"""Rates of the checks of sentences that are in use, as calibrated on this site, in words. Measures nothing.

Entry points: `find_calibrations`, `describe_calibration`, `is_calibrated`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext

from apps.engines import registry
from apps.grounding.calibration import store
from apps.grounding.calibration.thresholds import LanguageRates
from apps.grounding.support_check import get_classifier_key
from apps.lib.proportions import Proportion, format_percent

PACKAGED = "packaged"  # key of the packaged check


@dataclass(frozen=True, slots=True)
class Calibration:
    """Rates of one check by language. `key` as in the store."""

    key: str
    rates: Mapping[str, LanguageRates]

    @property
    def is_measured_only(self) -> bool:
        """True for the packaged check: nothing stands behind it that could take its place."""
        return self.key == PACKAGED

    def total(self, *, true: bool) -> Proportion:
        """Return what passes of the true or of the false pairs of all languages."""
        found = [one.true if true else one.false for one in self.rates.values()]
        return Proportion(sum(one.part for one in found), sum(one.whole for one in found))


def find_calibrations() -> list[Calibration]:
    """Return the stored calibrations of the checks that are in use, the judge's first."""
    judge = registry.get_judge_engine()
    own = f"own {registry.get_chat_engine().served_name}"  # the chat model, if it judges itself
    keys = [own if judge is None else judge.key, get_classifier_key()]
    return [Calibration(key, rates) for key in keys if (rates := store.find_rates(key)) is not None]


def describe_calibration(found: Calibration) -> str:
    """Return one sentence about a calibration for administrators: what passes, and where the check is not used."""
    true, false = found.total(true=True), found.total(true=False)
    words = gettext(
        "%(check)s: %(true)s of %(of_true)s true sentences pass (%(share)s), %(false)s of %(of_false)s false ones."
    ) % {
        "check": _name(found.key), "true": true.part, "of_true": true.whole, "share": format_percent(true.value),
        "false": false.part, "of_false": false.whole,
    }  # fmt: skip
    refused = [name for name, one in found.rates.items() if not one.is_accepted]
    if not refused or found.is_measured_only:
        return words
    return f"{words} " + gettext("It is not used for %(languages)s; the packaged check stands in for it.") % {
        "languages": ", ".join(refused)
    }


def _name(key: str) -> str:
    return gettext("Packaged check") if key == PACKAGED else key.partition(" ")[2]


def is_calibrated() -> bool:
    """Return whether every check that was set up in place of the packaged one, or beside it, was calibrated."""
    judge = registry.get_judge_engine()
    wanted = [judge.key] if judge is not None else []
    if settings.SUPPORT_CLASSIFIER:
        wanted.append(get_classifier_key())
    return all(store.find_rates(key) is not None for key in wanted)
