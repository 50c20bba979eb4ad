"""Levels of trust in a chat model, from its profile or the operator's declaration. Entry points: `get_trust`,
`describe_trust`.

A level is reached if the lower bound of the share of right answers does (one-sided, 95 % certainty), not the share.
"""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext

from apps.conversations.models import ModelProfile
from apps.engines.chat.model_catalog import ChatModel
from apps.lib.proportions import Proportion, format_percent

# Lower bound of the share of right answers to the reading items from which a model reads, 0 to 1: 39 of 48. A model
# that never says that the passages do not answer gets 38 at most.
MIN_READING_BOUND = 0.7
# The same of the judged sentences, from which the model may judge its own: 35 of 40.
MIN_JUDGING_BOUND = 0.75


class ModelTrust(StrEnum):
    """Level of trust in a chat model; each includes the ones before it."""

    QUOTES = "quotes"  # quotes stand first, and only verified sentences are shown
    READS = "reads"  # writes the answer in its own words
    JUDGES = "judges"  # also judges its own sentences, where no other judge is set up


def get_trust(profile: ModelProfile, model: ChatModel | None = None) -> ModelTrust:
    """Return the level of a model; QUOTES if it was never measured. The operator's declaration
    (`passes_reading_check`) overrides the measurement of reading, not that of judging."""
    declared = model.passes_reading_check if model is not None else None
    if declared is False or (declared is None and not reads(profile)):
        return ModelTrust.QUOTES
    return ModelTrust.JUDGES if judges(profile) else ModelTrust.READS


def reads(profile: ModelProfile) -> bool:
    """Return whether enough of the reading items were answered right."""
    return _measure(profile.reading_right, profile.reading_asked).lower_bound >= MIN_READING_BOUND


def judges(profile: ModelProfile) -> bool:
    """Return whether enough of the judging items were judged right."""
    return _measure(profile.judging_right, profile.judging_asked).lower_bound >= MIN_JUDGING_BOUND


def describe_trust(profile: ModelProfile) -> str:
    """Return one line for administrators: what a measured model is trusted with, and the rates."""
    reading = _measure(profile.reading_right, profile.reading_asked)
    rates = {
        "right": reading.part, "asked": reading.whole,
        "bound": format_percent(reading.lower_bound), "bar": format_percent(MIN_READING_BOUND),
    }  # fmt: skip
    if not reads(profile):
        return (
            gettext(
                "Trusted with quotes only: %(right)s of %(asked)s questions answered correctly (at least %(bound)s "
                "with 95%% certainty; %(bar)s are needed)."
            )
            % rates
        )
    words = (
        gettext("Reads and judges its own sentences: %(right)s of %(asked)s questions answered correctly (at least "
                "%(bound)s with 95%% certainty).")
        if judges(profile)
        else gettext("Reads: %(right)s of %(asked)s questions answered correctly (at least %(bound)s with 95%% "
                     "certainty).")
    ) % rates  # fmt: skip
    return f"{words} {_describe_judging(profile)}"


def _describe_judging(profile: ModelProfile) -> str:
    judging = _measure(profile.judging_right, profile.judging_asked)
    if profile.judging_asked is None:
        return gettext("Its judging has not been tested yet.")
    if not judging.whole:
        return gettext("Its server gives no verdicts in the format of judges.")
    return gettext("Sentences judged correctly: %(right)s of %(asked)s (at least %(bound)s; %(bar)s are needed).") % {
        "right": judging.part, "asked": judging.whole,
        "bound": format_percent(judging.lower_bound), "bar": format_percent(MIN_JUDGING_BOUND),
    }  # fmt: skip


def _measure(right: int | None, asked: int | None) -> Proportion:
    return Proportion(right or 0, asked or 0)
