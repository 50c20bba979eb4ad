"""Which of the chat models writes: the one asked for, else the conversation's, its assistant's, or the site's own.

A model that an operator took away is asked for by nobody any more: what had chosen it goes on with the site's own one,
and the answer says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, ngettext

from apps.conversations.errors import RequestRefused
from apps.engines import registry
from apps.engines.chat.model_catalog import MAIN, ChatModel

if TYPE_CHECKING:
    from apps.conversations.core.requests import AskRequest, RetryRequest
    from apps.conversations.models import Assistant, Conversation


@dataclass(frozen=True, slots=True)
class ModelOption:
    """A model in a menu."""

    name: str
    shown: str
    about: str
    chosen: bool


def parse_model(value: Any) -> str | None:
    """The model that a page asks for; None where it names none. Raises Refused where it is not offered any more."""
    if value in (None, ""):
        return None
    if not isinstance(value, str) or registry.get_chat_model(value) is None:
        raise RequestRefused(gettext("This model is no longer offered here. Choose another one, and ask again."))
    return value


def apply_settings(place: Conversation, wish: AskRequest | RetryRequest, *, model: str | None = None) -> None:
    """Set what holds in the conversation from then on: what was chosen with a question, and `model`, None for the one
    that it has. A model that one answer is asked of again is for that answer alone."""
    if wish.sampling is not None:
        place.sampling = wish.sampling.record()
    if wish.filters is not None:
        place.filters = wish.filters.record()
    if model is not None:
        place.model = model


def resolve_model(place: Conversation, assistant: Assistant | None, wished: str | None = None) -> tuple[str, str]:
    """The name of the model that writes, and that of one that should have and is no longer there, or ""."""
    wanted = wished or place.model or (assistant.model if assistant else "") or MAIN
    return (wanted, "") if registry.get_chat_model(wanted) else (MAIN, wanted)


def get_display_name(model: ChatModel) -> str:
    """What people call it."""
    return model.shown or gettext("Standard model")


def list_model_options(chosen: str) -> list[ModelOption]:
    """What a menu shows; nothing where there is no choice."""
    models = registry.list_chat_models()
    if len(models) == 1:
        return []
    return [
        ModelOption(item.name, get_display_name(item), describe_model(item), item.name == chosen) for item in models
    ]


def describe_model(model: ChatModel) -> str:
    """What it is good for, as far as the operator said so."""
    said = [
        gettext("thinks before it answers") if model.reasons else "",
        gettext("reads well") if model.reads_well else "",
        gettext("sees pictures") if model.pictures else "",
    ]
    return ", ".join(filter(None, said))


def describe_writing(writer: str) -> str:
    """That it writes, for the steps of an answer; who, where that was a choice."""
    several = len(registry.list_chat_models()) > 1
    return gettext("%(model)s is writing") % {"model": writer} if several else gettext("Writing")


def describe_written(writer: str, words: int) -> str:
    """That it has written so many words, likewise."""
    if len(registry.list_chat_models()) > 1:
        return ngettext("%(model)s wrote %(n)s word", "%(model)s wrote %(n)s words", words) % {
            "model": writer,
            "n": words,
        }
    return ngettext("Wrote %(n)s word", "Wrote %(n)s words", words) % {"n": words}


def describe_missing_model(name: str) -> str:
    """That a chosen model was taken away, for the steps of an answer."""
    return gettext("The model “%(name)s” is no longer offered here; another one writes") % {"name": name}
