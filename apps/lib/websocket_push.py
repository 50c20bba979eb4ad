"""Push messages to open pages over channel layers. Messages may be lost: a page that gets one reloads the state, and a
page that connects asks for it."""

from __future__ import annotations

from functools import partial
from typing import Any

from channels.layers import get_channel_layer
from django.db import transaction

from apps.lib.concurrency.threads import on_loop


def get_user_channel(user_pk: int) -> str:
    """Return the channel group of all open pages of a user."""
    return f"user.{user_pk}"


def get_link_channel(link: int) -> str:
    """Return the channel group of all open pages of a shared link."""
    return f"link.{link}"


def get_picture_channel(picture: object) -> str:
    """Return the channel group of all open pages of shared links that show a picture."""
    return f"picture.{picture}"


async def push_message(group: str, message: dict[str, Any]) -> None:
    """Send a message to every open page of the group."""
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(group, {"type": "tell", "message": message})


def push_on_commit(group: str, message: dict[str, Any]) -> None:
    """Send a message once the transaction is committed. For sync code. Errors are logged and do not affect the
    transaction."""
    transaction.on_commit(partial(on_loop, push_message, group, message), robust=True)


def push_picture_change(owner: int, picture: object, *, withheld: bool) -> None:
    """Announce on commit that a picture is withheld (`withheld`) or visible again: to its owner's pages and to pages of
    shared links that show it."""
    for group in (get_user_channel(owner), get_picture_channel(picture)):
        push_on_commit(group, {"type": "picture", "picture": str(picture), "held": withheld})
