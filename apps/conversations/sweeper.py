"""Turns whose process died are closed as interrupted, with the text that was last kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from django.db import Error
from django.utils import timezone
from django.utils.translation import gettext

from apps.conversations import keeping, queue
from apps.conversations.events import Closed, encode
from apps.conversations.models import Message
from apps.conversations.render import answer_html
from apps.engines import registry
from apps.engines.base import EngineError
from apps.lib import leases
from apps.lib.threads import in_db
from apps.users.language import speaking_to

log = logging.getLogger(__name__)

EVERY_S = 5.0
REASON = "The server was restarted while this answer was written."


def sweep() -> dict[UUID, str]:
    """The turns that were closed just now, because nobody had renewed their lease, with the text that was last kept.
    For `in_db`, or a worker."""
    dead = leases.expired(Message.objects.filter(status=Message.Status.WRITING))
    closed = {"status": Message.Status.INTERRUPTED, "reason": REASON, "lease_token": "", "lease_until": None}
    # One conditional update each: a process that was only slow may have renewed its lease since.
    return {
        pk: text
        for pk, text in list(dead.values_list("pk", "text"))
        if dead.filter(pk=pk).update(**closed, ended=timezone.now())
    }


async def sweep_forever(go_on: Callable[[UUID], Awaitable[None]]) -> None:
    """Dead turns are closed soon after they died; whoever still follows one is told. Where questions were left waiting,
    `go_on` is called."""
    while True:
        try:
            closed = await in_db(sweep)
            await in_db(keeping.purge)
            left = await in_db(queue.ready)
        except Error as error:  # busy, or away for a moment: the next round does it
            log.warning("Dead turns could not be looked for: %s", error)
            closed, left = {}, []
        for pk, text in closed.items():
            await _tell(str(pk), text)
        for place in left:
            await go_on(place)
        await asyncio.sleep(EVERY_S)


async def _tell(turn: str, text: str) -> None:
    turnlog = registry.turnlog()
    html = answer_html(text, [], turn) if text else ""  # as a reload shows it
    reason = await in_db(_reason, turn)
    try:
        if await turnlog.exists(turn):
            await turnlog.append(turn, encode(Closed(Message.Status.INTERRUPTED, html, reason, bool(text)), turn=turn))
            await turnlog.finish(turn)
    except EngineError as error:
        log.warning("A dead turn's log could not be ended: %s", error)


def _reason(turn: str) -> str:
    """In the language of who asked."""
    row = Message.objects.select_related("asked_by").filter(pk=turn).first()
    with speaking_to(row.asked_by if row else None):
        return gettext(REASON)
