"""Drain the web process at SIGTERM: not ready, no new answers, pages move to other processes, running answers end.

Afterwards the server ends as usual: it closes the sockets that are left with code 1012, and `lifespan.py` closes
answers that were cut off. SIGINT, as of Ctrl-C on uvicorn itself, ends without draining.

Entry point: `install`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable

from django.conf import settings

from apps.conversations.realtime import consumer
from apps.conversations.turns import running_turns
from apps.lib import draining

log = logging.getLogger(__name__)

_POLL_S = 0.1
_LAST_EVENTS_S = 0.5  # seconds for the last events of an answer to reach its page
MOVE_S = 8.0  # seconds over which pages are told to connect again, so that a proxy sees the state and the load spreads

_tasks: set[asyncio.Task[None]] = set()


def install() -> None:
    """Put draining before the server's own handler of SIGTERM. Does nothing where the server has none, as in tests."""
    end = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(end):
        return
    loop = asyncio.get_running_loop()

    def finish() -> None:
        signal.signal(signal.SIGTERM, end)
        end(signal.SIGTERM, None)

    def begin() -> None:
        task = loop.create_task(drain(finish))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    def hear(*_: object) -> None:
        signal.signal(signal.SIGTERM, end)  # a second signal ends at once
        loop.call_soon_threadsafe(begin)

    signal.signal(signal.SIGTERM, hear)


async def drain(finish: Callable[[], object]) -> None:
    """Wait until no answer runs, DRAIN_SECONDS at most; then call `finish`."""
    draining.begin(settings.DRAIN_SECONDS)
    running = running_turns.count_running()
    if running and settings.DRAIN_SECONDS:
        log.warning("Ending after %s running answers, or in %s s", running, settings.DRAIN_SECONDS)
        # Without Redis no other process could continue what these pages show.
        moving = asyncio.create_task(consumer.move_pages(MOVE_S)) if settings.REDIS_URL else None
        while running_turns.count_running() and not draining.is_over():
            await asyncio.sleep(_POLL_S)
        await asyncio.sleep(_LAST_EVENTS_S)
        if moving is not None:
            moving.cancel()
    finish()
