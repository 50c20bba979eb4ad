"""What open pages are told at once. A message may get lost: whoever hears one looks again, whoever connects asks."""

from __future__ import annotations

from functools import partial
from typing import Any

from channels.layers import get_channel_layer
from django.db import transaction

from apps.lib.concurrency.threads import on_loop


def get_user_channel(person: int) -> str:
    """The group of all open pages of a person."""
    return f"user.{person}"


def get_link_channel(link: int) -> str:
    """The group of all open pages of readers of a link."""
    return f"link.{link}"


def get_picture_channel(picture: object) -> str:
    """The group of all open pages of readers of links that show a picture."""
    return f"picture.{picture}"


async def push_message(group: str, message: dict[str, Any]) -> None:
    """Every page of the group is sent that message, as far as it listens."""
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(group, {"type": "tell", "message": message})


def push_on_commit(group: str, message: dict[str, Any]) -> None:
    """The same for sync code, once the transaction is committed. What goes wrong is logged, and undoes nothing."""
    transaction.on_commit(partial(on_loop, push_message, group, message), robust=True)


def push_picture_change(owner: int, picture: object, *, held: bool) -> None:
    """The same of a picture that may no longer be seen, or may be again, or only blurred: to its person and to whoever
    has it open."""
    for group in (get_user_channel(owner), get_picture_channel(picture)):
        push_on_commit(group, {"type": "picture", "picture": str(picture), "held": held})
