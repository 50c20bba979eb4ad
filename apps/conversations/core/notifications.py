"""Hints to a person's tabs that something changed. They carry no content and may get lost: who hears one refetches."""

from __future__ import annotations

from uuid import UUID

from apps.lib import websocket_push


async def notify_conversation_changed(user: int, conversation: UUID, turn: str = "") -> None:
    """Every tab of that person was told that the conversation changed, as far as it listens; `turn` names one that may
    be over before a tab has looked."""
    named = {"turn": turn} if turn else {}
    await websocket_push.push_message(
        websocket_push.get_user_channel(user), {"type": "hint", "conversation": str(conversation), **named}
    )
