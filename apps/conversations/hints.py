"""Hints to a person's tabs that something changed. They carry no content and may get lost: who hears one refetches."""

from __future__ import annotations

from uuid import UUID

from channels.layers import get_channel_layer


def group(user: int) -> str:
    return f"user.{user}"


async def changed(user: int, conversation: UUID, turn: str = "") -> None:
    """Every tab of that person was told that the conversation changed, as far as it listens; `turn` names one that may
    be over before a tab has looked."""
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(group(user), {"type": "hint", "conversation": str(conversation), "turn": turn})
