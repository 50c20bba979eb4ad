"""Who answers in a conversation: the assistant that was chosen for it, else the site's own; and what it brings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.conversations.asks import Refused
from apps.conversations.assistant import Assistant
from apps.conversations.models import Conversation
from apps.conversations.sampling import Chosen, read
from apps.users.models import User


def of(place: Conversation) -> Assistant:
    return place.assistant or Assistant.default()


def asked(user: User, pk: UUID | None) -> Assistant | None:
    """The one that a new conversation shall have; None: the site's own. Raises Refused."""
    if pk is None:
        return None
    found = Assistant.objects.visible_to(user).filter(pk=pk).first()
    if found is None:
        raise Refused("That assistant is no longer there, or no longer shared with you. Choose another.")
    return found


def sampling(place: Conversation, assistant: Assistant) -> Chosen:
    """As the conversation has it, else as who answers does. What was stored is what was read once."""
    return read(place.sampling or own_sampling(assistant))


def own_sampling(assistant: Assistant) -> dict[str, Any]:
    return {"preset": assistant.preset, **assistant.sampling}
