"""Batched polling: many tasks wait for conditions that only the database knows, and one query per round serves all.

A query per task would cost as much as the work itself with hundreds of waiting tasks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

V = TypeVar("V")

log = logging.getLogger(__name__)


class BatchedPoller(Generic[V]):
    """Poller for many waiters. `ask` returns for each value, in order, whether its condition still holds; rounds are
    `pause_s()` seconds apart.

    If `ask` fails, all conditions hold until the next round. All calls must come from one event loop.
    """

    def __init__(self, pause_s: Callable[[], float], ask: Callable[[list[V]], Awaitable[Sequence[bool]]]) -> None:
        self._pause_s = pause_s
        self._ask = ask
        self._waiting: dict[asyncio.Event, V] = {}
        self._task: asyncio.Task[None] | None = None

    async def wait_until_over(self, value: V) -> None:
        """Return once a round has found that the value's condition no longer holds."""
        ended = asyncio.Event()
        self._waiting[ended] = value
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll())
        try:
            await ended.wait()
        finally:
            del self._waiting[ended]
            if not self._waiting and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._pause_s())
            waiting = list(self._waiting.items())
            try:
                answers = await self._ask([value for _, value in waiting])
            except Exception:  # else the waiting tasks would never end
                log.exception("A round could not be made")
                continue
            for (ended, _), holds in zip(waiting, answers, strict=True):
                if not holds:
                    ended.set()
