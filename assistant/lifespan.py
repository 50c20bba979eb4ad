"""Start-up and shutdown of the web process: engines warm up, abandoned turns are closed, running turns are ended."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from typing import Any

from django.conf import settings

from apps.conversations.assistants import reading_check
from apps.conversations.history import conversation_actions
from apps.conversations.turns import recovery, runner, temporary_chats
from apps.engines import registry
from apps.engines.warm_up import warm_engines
from apps.lib import os_compat, process_memory
from apps.lib.concurrency.threads import in_db, in_pool
from apps.safety.policy import versions
from assistant import drain

log = logging.getLogger(__name__)

# Python's 5 ms would let a computing thread delay an answering one; measured: 2 ms less from question to model.
_SWITCH_S = 0.0005
_RELEASE_S = 30.0  # seconds between two releases of free memory to the system


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Speak the ASGI lifespan protocol. Start-up waits only for the policy, by which every text is judged; pages are
    served while the models still load."""
    tasks: list[asyncio.Task[Any]] = []
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            sys.setswitchinterval(_SWITCH_S)
            tempfile.tempdir = str(settings.FILE_UPLOAD_TEMP_DIR)  # large request bodies are stored on the data disk
            tasks = [
                asyncio.create_task(recovery.run_sweeper(runner.run_next_queued, conversation_actions.purge_deleted)),
                asyncio.create_task(in_pool(_warm_up)),
                asyncio.create_task(reading_check.measure_new_models()),
            ]
            tasks.append(asyncio.create_task(_release_memory()))
            for task in tasks:
                task.add_done_callback(_log_failure)
            await in_db(versions.refresh_policy)
            drain.install()
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


def _warm_up() -> None:
    """Warm up the engines, then exclude them from garbage collection."""
    warm_engines()
    process_memory.freeze_loaded()


async def _release_memory() -> None:
    """Release memory that finished answers left free, repeatedly: glibc alone never returns it."""
    while True:
        await asyncio.sleep(_RELEASE_S)
        await in_pool(os_compat.release_free_memory)


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A task of the web process ended", exc_info=error)
