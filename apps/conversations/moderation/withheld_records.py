"""Hide what was recorded of a conversation while one of its messages is withheld.

Prompts and completed searches of later answers repeat what was said before. While a reviewer withholds a message, no
record of its conversation is shown, and no notice says which words a search was completed by. Nothing that is stored
changes, so all of it is back with the message.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.models import Message, Withdrawn
from apps.lib.text.analyzer import extract_content_terms


def is_withheld(conversation: UUID) -> bool:
    """Return whether a reviewer withholds a message of that conversation."""
    return Withdrawn.objects.filter(message__conversation=conversation).exists()


def read_notice(answer: Message) -> dict[str, Any]:
    """Return what the answer's notice says of a search in vain, as it may be shown now; {} where there is no notice."""
    found = _notice(answer)
    if _is_completed(answer) and is_withheld(answer.conversation_id):
        return {**found, "query": gettext("(withheld by a reviewer)")}
    return found


def find_completed_notices(conversations: Collection[UUID]) -> list[Message]:
    """Return the answers there whose notice names a search that words of other messages completed."""
    rows = Message.objects.filter(conversation__in=conversations, nothing_found=True, retracted=None)
    return [row for row in rows.select_related("parent", "conversation") if _is_completed(row)]


def find_changed_notices(conversation: UUID, since: datetime) -> list[Message]:
    """Return those answers where a message was withheld since then: a page may show the notice of one as it was."""
    if not Withdrawn.objects.filter(message__conversation=conversation, at__gte=since).exists():
        return []
    return find_completed_notices([conversation])


def _notice(answer: Message) -> dict[str, Any]:
    return next((step["nothing"] for step in answer.steps if step.get("nothing")), {})


def _is_completed(answer: Message) -> bool:
    """Return whether its notice names a search for words that its own question has not."""
    own = answer.parent.text if answer.parent else ""
    return bool(set(extract_content_terms(_notice(answer).get("query") or "")) - set(extract_content_terms(own)))
