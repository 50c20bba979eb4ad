"""Resolve the assistant of a conversation: the chosen one, else the site's own; with its strictness and sampling."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.core.sampling import SamplingChoice, parse_sampling
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Conversation
from apps.conversations.models.assistant import Assistant
from apps.safety.models.strictness import Strictness, parse_strictness
from apps.users.models import User


def resolve_assistant(user: User, conversation: Conversation) -> tuple[Assistant, str]:
    """Return the assistant that answers, and the name of the chosen one if it is no longer shared with the user, or "".

    The site's own assistant replaces one that was deleted or is no longer shared. For `in_db`.
    """
    chosen = conversation.assistant
    if chosen is None:
        return Assistant.default(), ""
    if can_use_assistant(user, chosen.pk):
        return chosen, ""
    return Assistant.default(), chosen.name


def get_chosen_assistant(user: User, pk: UUID | None) -> Assistant | None:
    """Return the assistant of a new conversation; None means the site's own. Raise RequestRefused. For `in_db`."""
    if pk is None:
        return None
    found = Assistant.objects.visible_to(user).filter(pk=pk).first()
    if found is None:
        raise RequestRefused("This assistant was deleted or is no longer shared with you. Choose another one.")
    return found


def can_use_assistant(user: User, pk: UUID) -> bool:
    """Return whether the assistant exists and the user may use it."""
    return Assistant.objects.visible_to(user).filter(pk=pk).exists()


def describe_unshared_assistant(name: str) -> str:
    """Return the words of the step for an assistant that is no longer shared."""
    return gettext("The assistant “%(name)s” is no longer shared with you; the default assistant answers") % {
        "name": name
    }


def resolve_level(user: User, conversation: Conversation) -> Strictness:
    """Return the strictness of the safety gate in the conversation. For `in_db`."""
    return parse_strictness(resolve_assistant(user, conversation)[0].strictness)


def resolve_sampling(conversation: Conversation, assistant: Assistant) -> SamplingChoice:
    """Return the sampling of the conversation, else that of the assistant."""
    return parse_sampling(conversation.sampling or get_assistant_sampling(assistant))


def get_assistant_sampling(assistant: Assistant) -> dict[str, Any]:
    """Return the assistant's sampling as a record for `parse_sampling`."""
    return {"preset": assistant.preset, **assistant.sampling}
