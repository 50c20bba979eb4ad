"""Who has the first word, the quotes or the model: as the assistant says, else the model, the site, the measurement."""

from __future__ import annotations

from django.conf import settings

from apps.conversations.models import Assistant, ModelProfile, Style
from apps.engines.base import ModelInfo

READS_WELL = 0.85  # share of the reading check from which a model may speak first


def resolve(assistant: Assistant, profile: ModelProfile, info: ModelInfo) -> Style:
    """Quotes first or model only; never automatic."""
    for chosen in (assistant.style, profile.style, settings.ANSWER_STYLE):
        if chosen in (Style.QUOTES, Style.MODEL):
            return Style(chosen)
    return Style.MODEL if reads_well(profile) else Style.QUOTES


def reads_well(profile: ModelProfile) -> bool:
    """Whether the model has shown that it finds what a passage says; one that was never asked has not."""
    if not profile.reading_asked or profile.reading_right is None:
        return False
    return profile.reading_right / profile.reading_asked >= READS_WELL


def explain(style: str, assistant: Assistant, profile: ModelProfile, model: str) -> str:
    """Which model writes, and why quotes come first or not, in one or two sentences for the reader."""
    writes = f"{model} writes the answers." if model else "The model writes the answers."
    if style != Style.QUOTES:
        return f"{writes} It answers in its own words, and each sentence is checked against the sources."
    if Style.QUOTES in (assistant.style, profile.style) or _site_wants_quotes(assistant, profile):
        return f"{writes} Quotes from your documents come first, because it is set so."
    if profile.reading_asked and profile.reading_right is not None:
        measured = f"in the reading check it found {profile.reading_right} of {profile.reading_asked} answers"
        return f"{writes} Quotes from your documents come first, because {measured}."
    return f"{writes} Quotes from your documents come first, because it has not yet shown how well it reads."


def _site_wants_quotes(assistant: Assistant, profile: ModelProfile) -> bool:
    return bool(assistant.style == profile.style == Style.AUTOMATIC and settings.ANSWER_STYLE == Style.QUOTES)
