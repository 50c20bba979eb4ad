"""Who answers in a conversation: the assistant that was chosen for it, else the site's own; and what it brings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.core.requests import RequestRefused
from apps.conversations.core.sampling import SamplingChoice, parse_sampling
from apps.conversations.models import Conversation
from apps.conversations.models.assistant import Assistant
from apps.safety.models.strictness import Strictness, parse_strictness
from apps.users.models import User


def resolve_assistant(user: User, place: Conversation) -> tuple[Assistant, str]:
    """Also the name of the one that was chosen, where it is not shared with this person any more: the site's own then
    goes on, as where it was deleted."""
    chosen = place.assistant
    if chosen is None:
        return Assistant.default(), ""
    if Assistant.objects.visible_to(user).filter(pk=chosen.pk).exists():
        return chosen, ""
    return Assistant.default(), chosen.name


def get_chosen_assistant(user: User, pk: UUID | None) -> Assistant | None:
    """The one that a new conversation shall have; None: the site's own. Raises Refused."""
    if pk is None:
        return None
    found = Assistant.objects.visible_to(user).filter(pk=pk).first()
    if found is None:
        raise RequestRefused("That assistant is no longer there, or no longer shared with you. Choose another.")
    return found


def describe_unshared_assistant(name: str) -> str:
    """That it is not shared any more, for the steps of an answer."""
    return gettext("The assistant “%(name)s” is no longer shared with you; the site’s own one answers") % {"name": name}


def resolve_level(user: User, place: Conversation) -> Strictness:
    """How strictly is judged what is said there."""
    return parse_strictness(resolve_assistant(user, place)[0].safety)


def resolve_sampling(place: Conversation, assistant: Assistant) -> SamplingChoice:
    """As the conversation has it, else as who answers does. What was stored is what was read once."""
    return parse_sampling(place.sampling or get_assistant_sampling(assistant))


def get_assistant_sampling(assistant: Assistant) -> dict[str, Any]:
    return {"preset": assistant.preset, **assistant.sampling}
