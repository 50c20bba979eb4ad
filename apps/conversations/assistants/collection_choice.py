"""Resolve the collections to search: those of the question, else of its conversation, else of the assistant.

All functions raise RequestRefused if chosen collections are gone or unreadable, rather than search everywhere. For
`in_db`.
"""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import ngettext

from apps.conversations.core.requests import AskRequest
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Assistant, Conversation
from apps.documents.models import Collection
from apps.users.models import User


def resolve_collections(
    user: User, conversation: Conversation, ask: AskRequest, assistant: Assistant
) -> tuple[UUID, ...]:
    """Return the collections to search; () means all that the user may read. Raise RequestRefused."""
    if ask.collections:
        readable = Collection.objects.visible_to(user).filter(pk__in=ask.collections)
        found = tuple(readable.values_list("pk", flat=True))
        if len(found) != len(set(ask.collections)):
            raise RequestRefused("One of the selected collections is no longer available. Select again.")
        return found
    if ask.collections is None and ask.conversation is not None:
        return get_conversation_collections(user, conversation, assistant)
    return get_assistant_collections(user, assistant)


def get_conversation_collections(user: User, conversation: Conversation, assistant: Assistant) -> tuple[UUID, ...]:
    """Return the readable collections of the conversation, else the assistant's.

    Raise RequestRefused if the conversation had collections and none is readable any more.
    """
    found = Collection.objects.visible_to(user).filter(conversations=conversation).values_list("pk", flat=True)
    if not (readable := tuple(found)) and conversation.chosen_collection_count:
        raise RequestRefused(
            "The collections of this conversation were deleted or are no longer shared with you. Select others."
        )
    return readable or get_assistant_collections(user, assistant)


def describe_lost_collections(count: int) -> str:
    """Return the words of the step for chosen collections that were deleted or are no longer shared."""
    return ngettext(
        "%(n)s selected collection is no longer available; the others were searched",
        "%(n)s selected collections are no longer available; the others were searched",
        count,
    ) % {"n": count}


def get_assistant_collections(user: User, assistant: Assistant) -> tuple[UUID, ...]:
    """Return the readable collections of the assistant; () if it has none. Raise RequestRefused if none is readable."""
    if not Collection.objects.filter(assistants=assistant).exists():
        return ()
    found = Collection.objects.visible_to(user).filter(assistants=assistant).values_list("pk", flat=True)
    if not (readable := tuple(found)):
        raise RequestRefused(
            "You do not have access to the documents of this assistant. Ask its owner for access, or choose another "
            "assistant."
        )
    return readable
