"""Hide records of a conversation while one of its messages is retracted.

Prompts and rewritten search queries of later answers repeat earlier messages. During a retraction, no trace of the
conversation is shown. Stored data is unchanged, so all is visible again after a restore.
"""

from __future__ import annotations

from uuid import UUID

from apps.conversations.models import RetractedMessage


def is_withheld(conversation: UUID) -> bool:
    """Return whether a message of that conversation is retracted."""
    return RetractedMessage.objects.filter(message__conversation=conversation).exists()
