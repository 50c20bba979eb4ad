"""Menu of the chat models that a user may choose, each with its strengths, size and what was measured of it here.

Entry points: `list_model_options` and, for administrators' lists too, `describe_size`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext

from apps.conversations.assistants.answer_style import has_passed_reading_check
from apps.conversations.assistants.reading_budget import LARGEST_BUDGET, READING_S, SMALL_BUDGET
from apps.conversations.core.model_choice import get_display_name, list_usable_models
from apps.conversations.models import ModelProfile
from apps.engines import registry
from apps.engines.chat.openai_payloads import parse_parameter_count

if TYPE_CHECKING:
    from apps.engines.chat.model_catalog import ChatModel
    from apps.users.models import User

FAST, SLOW = LARGEST_BUDGET / READING_S, SMALL_BUDGET / READING_S  # tokens of a prompt read in a second


@dataclass(frozen=True, slots=True)
class ModelOption:
    """Entry of a model menu."""

    name: str
    display_name: str
    description: str
    chosen: bool
    outside: bool  # texts leave the house when it is asked


def list_model_options(user: User, chosen: str) -> list[ModelOption]:
    """Return the entries of the user's model menu; [] if there is only one. For `in_db`."""
    models = list_usable_models(user)
    if len(models) == 1:
        return []
    current, profiles = registry.get_chat_model(chosen), read_profiles(models)
    return [
        ModelOption(
            item.name, get_display_name(item), _describe_model(item, profiles[item.name]), item == current, item.outside
        )
        for item in models
    ]


def read_profiles(models: Iterable[ChatModel]) -> dict[str, ModelProfile]:
    """Return the profile of each model by its name; an unsaved one if nothing was measured yet."""
    served = {model.name: registry.get_chat_engine(model.name).served_name for model in models}
    stored = {profile.name: profile for profile in ModelProfile.objects.filter(name__in=served.values())}
    return {name: stored.get(given) or ModelProfile(name=given) for name, given in served.items()}


def describe_size(served_name: str) -> str:
    """Return the number of parameters that the name of a model states, such as "7 billion parameters"; "" for none."""
    count = parse_parameter_count(served_name)
    if count is None:
        return ""
    unit, words = (
        (1e9, gettext("%(n)s billion parameters")) if count >= 1e9 else (1e6, gettext("%(n)s million parameters"))
    )
    number = count / unit
    return words % {"n": number_format(number, 0 if number == int(number) else 1)}


def _describe_model(model: ChatModel, profile: ModelProfile) -> str:
    """Return the administrator's description, size, strengths as far as they are known, and where the model runs."""
    parts = [
        model.description,
        describe_size(profile.name),
        _describe_reading(model, profile),
        _describe_speed(profile.prompt_tokens_per_s),
        gettext("thinks before it answers") if model.supports_reasoning else "",
        gettext("sees pictures") if model.supports_pictures else "",
        gettext("outside the house") if model.outside else "",
    ]
    return ", ".join(filter(None, parts))


def _describe_reading(model: ChatModel, profile: ModelProfile) -> str:
    if has_passed_reading_check(profile, model):
        return gettext("reads well")
    return gettext("makes mistakes when it reads") if profile.reading_asked else ""


def _describe_speed(tokens_per_s: float | None) -> str:
    if tokens_per_s is None or SLOW < tokens_per_s < FAST:
        return ""
    return gettext("reads fast") if tokens_per_s >= FAST else gettext("reads slowly")
