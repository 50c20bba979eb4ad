"""Push messages to open pages over channel layers. Messages may be lost: a page that gets one reloads the state, and a
page that connects asks for it."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

from apps.lib.concurrency.threads import on_loop

log = logging.getLogger(__name__)


def get_user_channel(user_pk: int) -> str:
    """Return the channel group of all open pages of a user."""
    return f"user.{user_pk}"


def get_link_channel(link: int) -> str:
    """Return the channel group of all open pages of a shared link."""
    return f"link.{link}"


def get_picture_channel(picture: object) -> str:
    """Return the channel group of all open pages of shared links that show a picture."""
    return f"picture.{picture}"


def get_layer_errors() -> tuple[type[Exception], ...]:
    """Return the types of the errors of a channel layer that is away; none without Redis."""
    if not settings.REDIS_URL:
        return ()
    from redis.exceptions import RedisError

    return (RedisError, OSError)


async def push_message(group: str, message: dict[str, Any]) -> None:
    """Send a message to every open page of the group. While the channel layer is away, that is logged and the message
    lost."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        await layer.group_send(group, {"type": "tell", "message": message})
    except get_layer_errors() as error:
        log.warning("Open pages were not told of a change: %s", error)


def push_on_commit(group: str, message: dict[str, Any]) -> None:
    """Send a message once the transaction is committed. For sync code. Errors are logged and do not affect the
    transaction."""
    transaction.on_commit(partial(on_loop, push_message, group, message), robust=True)


def push_picture_change(owner: int, picture: object, *, withheld: bool) -> None:
    """Announce on commit that a picture is withheld (`withheld`) or visible again: to its owner's pages and to pages of
    shared links that show it."""
    for group in (get_user_channel(owner), get_picture_channel(picture)):
        push_on_commit(group, {"type": "picture", "picture": str(picture), "held": withheld})
