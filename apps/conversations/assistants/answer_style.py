"""Resolve the answer style: quotes first, or the model only.

The assistant decides, else the profile of the model, the site setting, or the reading check. Entry points:
`resolve_style`, `resolve_shown_sentences`, `rests`, `passes_reading_check`, `may_judge`.
"""

from __future__ import annotations

import time

from django.conf import settings
from django.utils.translation import gettext

from apps.conversations.assistants.model_trust import ModelTrust, get_trust
from apps.conversations.models import AnswerStyle, Assistant, ModelProfile, ShownSentences
from apps.engines import registry
from apps.engines.chat.model_catalog import ChatModel
from apps.lib.concurrency.threads import in_db

PROFILE_AGE_S = 2.0  # seconds for which a profile is used again: one question asks for it up to four times

_profiles: dict[str, tuple[float, ModelProfile]] = {}  # by name: when it was read, on the monotonic clock


def resolve_style(assistant: Assistant, profile: ModelProfile, model: ChatModel | None = None) -> AnswerStyle:
    """Return QUOTES or MODEL, never AUTOMATIC. `model` is the operator's configuration of the model."""
    for chosen in (assistant.style, profile.style, settings.ANSWER_STYLE):
        if chosen in (AnswerStyle.QUOTES, AnswerStyle.MODEL):
            return AnswerStyle(chosen)
    return AnswerStyle.MODEL if has_passed_reading_check(profile, model) else AnswerStyle.QUOTES


def resolve_shown_sentences(
    assistant: Assistant, profile: ModelProfile, model: ChatModel | None = None
) -> ShownSentences:
    """Return which sentences of the model are shown: ALL or VERIFIED, never AUTOMATIC."""
    for chosen in (assistant.shown_sentences, profile.shown_sentences):
        if chosen in (ShownSentences.VERIFIED, ShownSentences.ALL):
            return ShownSentences(chosen)
    return ShownSentences.ALL if has_passed_reading_check(profile, model) else ShownSentences.VERIFIED


def rests(assistant: Assistant, profile: ModelProfile, model: ChatModel | None = None) -> bool:
    """Return whether the model writes below quotes only when the user asks it to.

    So does a model that failed the reading check, as most that it writes would be folded, unless all of it is shown.
    """
    declared = model.passes_reading_check if model is not None else None
    failed = declared is False or (bool(profile.reading_asked) and not has_passed_reading_check(profile, model))
    return (
        failed
        and resolve_style(assistant, profile, model) == AnswerStyle.QUOTES
        and resolve_shown_sentences(assistant, profile, model) == ShownSentences.VERIFIED
    )


def get_model_profile(name: str) -> ModelProfile:
    """Return the profile of the model; an unsaved one with defaults if there is none. For `in_db`."""
    return ModelProfile.objects.filter(name=name).first() or ModelProfile(name=name)


async def fetch_model_profile(name: str) -> ModelProfile:
    """Return the profile of the model as it was at most PROFILE_AGE_S ago; see `get_model_profile`. Read only."""
    read_at, profile = _profiles.get(name, (0.0, None))
    if profile is None or time.monotonic() - read_at >= PROFILE_AGE_S:
        profile = await in_db(get_model_profile, name)
        _profiles[name] = time.monotonic(), profile
    return profile


async def passes_reading_check(served_name: str, model: str) -> bool:
    """Return whether the model has passed the reading check.

    `served_name` is its name on its server, which the profile is stored under, and `model` its name in the settings.
    """
    return has_passed_reading_check(await fetch_model_profile(served_name), registry.get_chat_model(model))


async def may_judge(served_name: str, model: str) -> bool:
    """Return whether the model may judge the sentences that it wrote; names as for `passes_reading_check`."""
    profile = await fetch_model_profile(served_name)
    return get_trust(profile, registry.get_chat_model(model)) is ModelTrust.JUDGES


def has_passed_reading_check(profile: ModelProfile, model: ChatModel | None = None) -> bool:
    """Return whether the model finds facts in passages; False if it was never measured.

    The operator's declaration (`passes_reading_check`) overrides the measurement.
    """
    return get_trust(profile, model) is not ModelTrust.QUOTES


def explain_style(style: str, assistant: Assistant, profile: ModelProfile, model: str) -> str:
    """Return one or two sentences for the user: which model writes, and why quotes come first or not."""
    writes = (
        gettext("%(model)s writes the answers.") % {"model": model}
        if model
        else gettext("The model writes the answers.")
    )
    if style != AnswerStyle.QUOTES:
        return gettext("%(writes)s It answers in its own words, and each sentence is checked against the sources.") % {
            "writes": writes
        }
    if AnswerStyle.QUOTES in (assistant.style, profile.style) or _site_wants_quotes(assistant, profile):
        return gettext("%(writes)s Quotes from your documents come first, because it is set up that way.") % {
            "writes": writes
        }
    if profile.reading_asked and profile.reading_right is not None:
        return gettext(
            "%(writes)s Quotes from your documents come first, because in the reading check it answered only "
            "%(right)s of %(asked)s questions correctly."
        ) % {"writes": writes, "right": profile.reading_right, "asked": profile.reading_asked}
    return gettext(
        "%(writes)s Quotes from your documents come first, because its reading has not been checked yet."
    ) % {"writes": writes}


def _site_wants_quotes(assistant: Assistant, profile: ModelProfile) -> bool:
    return bool(
        assistant.style == profile.style == AnswerStyle.AUTOMATIC and AnswerStyle.QUOTES.value == settings.ANSWER_STYLE
    )
