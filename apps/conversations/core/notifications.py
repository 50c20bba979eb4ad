"""Notify a user's open pages that a conversation changed.

Notifications carry no content and may be lost; a page that receives one fetches the data again.
"""

from __future__ import annotations

from uuid import UUID

from apps.lib import websocket_push


async def notify_conversation_changed(user: int, conversation: UUID, turn: str = "") -> None:
    """Notify all open pages of the user. `turn` names an answer that may have ended before a page looks."""
    named = {"turn": turn} if turn else {}
    await websocket_push.push_message(
        websocket_push.get_user_channel(user), {"type": "hint", "conversation": str(conversation), **named}
    )
