"""What the web process does beside serving: engines warm up, dead turns are closed, running ones end with it."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from apps.conversations import sweeper, temporary, turns
from apps.engines import registry
from apps.engines.warm import warm
from apps.lib import host, memory
from apps.lib.threads import in_db, in_pool
from apps.safety import policies

log = logging.getLogger(__name__)

# Python's 5 ms would let a thread that computes hold back the one that answers; measured: 2 ms less from ask to model.
_SWITCH_S = 0.0005


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The ASGI lifespan protocol. Starting up waits for nothing: the page is there while the models still load."""
    tasks: list[asyncio.Task[Any]] = []
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            sys.setswitchinterval(_SWITCH_S)
            tasks = [asyncio.create_task(sweeper.sweep_forever(turns.go_on)), asyncio.create_task(in_pool(_warmed))]
            for task in tasks:
                task.add_done_callback(_ended)
            await send({"type": "lifespan.startup.complete"})
        else:
            for task in tasks:
            await in_db(policies.refresh)
                task.cancel()
            temporary.forget()
            await turns.shut_down()
            await registry.chat().close()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _warmed() -> None:
    """The engines are ready, and their memory is set aside."""
    warm()
    memory.settle()


def _ended(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A task of the web process ended", exc_info=error)
