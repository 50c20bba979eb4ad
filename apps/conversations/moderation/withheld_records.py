"""Hide records of a conversation while one of its messages is retracted.

Prompts and rewritten search queries of later answers repeat earlier messages. During a retraction, no trace of the
conversation is shown, and notices do not name rewritten queries. Stored data is unchanged, so all is visible again
after a restore.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from apps.conversations.models import Message, RetractedMessage
from apps.lib.text.analyzer import extract_content_terms


def is_withheld(conversation: UUID) -> bool:
    """Return whether a message of that conversation is retracted."""
    return RetractedMessage.objects.filter(message__conversation=conversation).exists()


def read_notice(answer: Message) -> dict[str, Any]:
    """Return the answer's stored notice of a search that found nothing, as it may be shown now; {} without one."""
    found = _get_notice(answer)
    if _is_completed(answer) and is_withheld(answer.conversation_id):
        return {**found, "query": gettext("(withheld by a reviewer)")}
    return found


def find_completed_notices(conversations: Collection[UUID]) -> list[Message]:
    """Return the answers whose notice names a query that words of other messages completed."""
    rows = Message.objects.filter(conversation__in=conversations, nothing_found=True, retracted=None)
    return [row for row in rows.select_related("parent", "conversation") if _is_completed(row)]


def find_changed_notices(conversation: UUID, since: datetime) -> list[Message]:
    """Return those answers if a message of the conversation was retracted since then; else [].

    Open pages may show their notices as before.
    """
    if not RetractedMessage.objects.filter(message__conversation=conversation, retracted__gte=since).exists():
        return []
    return find_completed_notices([conversation])


def _get_notice(answer: Message) -> dict[str, Any]:
    return next((step["nothing"] for step in answer.steps if step.get("nothing")), {})


def _is_completed(answer: Message) -> bool:
    """Return whether the notice names a query with terms that the answer's own question does not have."""
    own = answer.parent.text if answer.parent else ""
    return bool(set(extract_content_terms(_get_notice(answer).get("query") or "")) - set(extract_content_terms(own)))
