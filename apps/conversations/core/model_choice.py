"""Resolve the chat model of an answer: the requested one, else that of the conversation, assistant or site.

A model that the operator removed is replaced by the site's default, and the answer says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, gettext_noop, ngettext

from apps.conversations.errors import RequestRefused
from apps.engines import registry
from apps.engines.chat.model_catalog import MAIN, ChatModel
from apps.users import rate_limits, usage_limits

if TYPE_CHECKING:
    from apps.conversations.core.requests import AskRequest, RetryRequest
    from apps.conversations.models import Assistant, Conversation
    from apps.users.models import User

MODEL_GONE = gettext_noop("This model is no longer available. Choose another one and ask again.")


def parse_model(value: Any) -> str | None:
    """Return the requested model name; None if empty. Raise RequestRefused if the model is not offered."""
    if value in (None, ""):
        return None
    if not isinstance(value, str) or registry.get_chat_model(value) is None:
        raise RequestRefused(gettext(MODEL_GONE))
    return value


def apply_settings(conversation: Conversation, request: AskRequest | RetryRequest, *, model: str | None = None) -> None:
    """Set the sampling, filters and model of the unsaved conversation from the request.

    None leaves a value as it is. `model` is not taken from `request`, since a retry with another model is for that
    answer only.
    """
    if request.sampling is not None:
        conversation.sampling = request.sampling.record()
    if request.filters is not None:
        conversation.filters = request.filters.record()
    if model is not None:
        conversation.model = model


def resolve_model(
    user: User, conversation: Conversation, assistant: Assistant | None, requested: str | None = None
) -> tuple[str, str]:
    """Return the name of the model to use, and the name of a chosen model that the user is not offered, or "".

    Raise RequestRefused if `requested` is a model that only other groups may use. For `in_db`.
    """
    wanted = requested or conversation.model or (assistant.model if assistant else "") or MAIN
    model = registry.get_chat_model(wanted)
    if model is not None and may_use(user, model):
        return wanted, ""
    if requested and model is not None:
        raise RequestRefused(gettext(MODEL_GONE))
    return MAIN, wanted


def check_limits(user: User, model: str) -> None:
    """Raise RateLimited if the user has no tokens left, or has reached a limit for the model of that name. For
    `in_db`."""
    rate_limits.check_limits(user, rate_limits.LimitedResource.TOKENS)
    usage_limits.check_usage(user, registry.get_chat_engine(model).served_name)


def consume_question(user: User, model: str) -> None:
    """Take one question from the user's limits. Raise RateLimited as `check_limits`, and take nothing. For `in_db`."""
    check_limits(user, model)
    rate_limits.consume(user, rate_limits.LimitedResource.MESSAGES)


def may_use(user: User, model: ChatModel) -> bool:
    """Return whether the user belongs to a group that may use the model. Queries only for a restricted model."""
    return model.groups is None or user.groups.filter(pk__in=model.groups).exists()


def list_usable_models(user: User) -> list[ChatModel]:
    """Return the models that the user may choose, the site's own first. For `in_db`."""
    return [model for model in registry.list_chat_models() if may_use(user, model)]


def get_display_name(model: ChatModel) -> str:
    """Return the name that users see."""
    return model.label or gettext("Default model")


def describe_writing(writer: str) -> str:
    """Return the words of the step "write" while it runs; with the model name if the site offers several."""
    several = len(registry.list_chat_models()) > 1
    return gettext("%(model)s is writing") % {"model": writer} if several else gettext("Writing")


def describe_written(writer: str, words: int) -> str:
    """Return the words of the finished step "write" with its word count; with the model name if there are several."""
    if len(registry.list_chat_models()) > 1:
        return ngettext("%(model)s wrote %(n)s word", "%(model)s wrote %(n)s words", words) % {
            "model": writer,
            "n": words,
        }
    return ngettext("Wrote %(n)s word", "Wrote %(n)s words", words) % {"n": words}


def describe_missing_model(name: str) -> str:
    """Return the words of the step for a chosen model that is no longer offered."""
    return gettext("The model “%(name)s” is no longer available; another one writes") % {"name": name}
