"""A limit of time for one thing after another, all of which nearly always end long before it."""

from __future__ import annotations

import asyncio
from types import TracebackType


class TimeLimit:
    """As `asyncio.timeout`, entered again and again, by one task at a time: `with limit:` raises TimeoutError where
    what is awaited within takes longer. One timer looks after all: one for each costs more than what it guards."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None  # that is within
        self._cancelling = 0  # how often it was being cancelled when it entered
        self._late = False

    def __enter__(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None or self._task is not None:
            raise RuntimeError("A limit is for one task at a time.")
        self._task, self._cancelling, self._late = task, task.cancelling(), False
        self._due = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(self._due, self._look, loop)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        task, self._task = self._task, None
        if self._late and task is not None and task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._task is None:
            return
        if loop.time() < self._due:
            self._timer = loop.call_at(self._due, self._look, loop)
        else:
            self._late = True
            self._task.cancel()
