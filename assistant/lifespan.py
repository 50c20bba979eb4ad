"""What the web process does beside serving: engines warm up, dead turns are closed, running ones end with it."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from typing import Any

from django.conf import settings

from apps.conversations.history import actions
from apps.conversations.turns import recovery, runner, temporary_chats
from apps.engines import registry
from apps.engines.warm_up import warm_engines
from apps.lib import os_compat, process_memory
from apps.lib.concurrency.threads import in_db, in_pool
from apps.safety.policy import versions

log = logging.getLogger(__name__)

# Python's 5 ms would let a thread that computes hold back the one that answers; measured: 2 ms less from ask to model.
_SWITCH_S = 0.0005
_RELEASE_S = 30.0  # seconds between two times that free memory is given back to the system


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Speak the ASGI lifespan protocol. Starting up waits for the policy, by which every text is judged, and for
    nothing else: the page is there while the models still load."""
    tasks: list[asyncio.Task[Any]] = []
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            sys.setswitchinterval(_SWITCH_S)
            tempfile.tempdir = str(settings.FILE_UPLOAD_TEMP_DIR)  # large request bodies wait on the disk of the data
            tasks = [
                asyncio.create_task(recovery.run_sweeper(runner.run_next_queued, actions.purge_deleted)),
                asyncio.create_task(in_pool(_warmed)),
            ]
            tasks.append(asyncio.create_task(_release_memory()))
            for task in tasks:
                task.add_done_callback(_ended)
            await in_db(versions.refresh_policy)
            await send({"type": "lifespan.startup.complete"})
        else:
            for task in tasks:
                task.cancel()
            tempfile.tempdir = None
            temporary_chats.end_all()
            await runner.shut_down()
            await registry.get_chat_engine().close()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _warmed() -> None:
    """The engines are ready, and their memory is set aside."""
    warm_engines()
    process_memory.freeze_loaded()


async def _release_memory() -> None:
    """Give back what finished answers leave free, again and again: glibc alone keeps it for good."""
    while True:
        await asyncio.sleep(_RELEASE_S)
        await in_pool(os_compat.release_free_memory)


def _ended(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A task of the web process ended", exc_info=error)
