"""Hints to a person's tabs that something changed. They carry no content and may get lost: who hears one refetches."""

from __future__ import annotations

from uuid import UUID

from apps.lib import tabs


async def notify_conversation_changed(user: int, conversation: UUID, turn: str = "") -> None:
    """Every tab of that person was told that the conversation changed, as far as it listens; `turn` names one that may
    be over before a tab has looked."""
    named = {"turn": turn} if turn else {}
    await tabs.tell(tabs.of(user), {"type": "hint", "conversation": str(conversation), **named})
