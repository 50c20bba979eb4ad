"""Timeouts for many short awaits in a row, nearly all of which end early, with one timer for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from types import TracebackType, coroutine
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class TimeLimit:
    """Reusable counterpart of `asyncio.timeout` for one task at a time: `with limit:` raises TimeoutError if the awaits
    within take longer than `seconds`. A timer per use would cost more than the work it guards."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None  # the task inside the context
        self._cancelling = 0  # its number of pending cancellations on entry
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


@coroutine
def await_within(limit: TimeLimit | float, awaitable: Awaitable[T]) -> Generator[Any, Any, T]:
    """Return the result of `awaitable`. Raise TimeoutError if it takes longer than the limit, a TimeLimit or seconds.
    No timer is set for an awaitable that finishes without suspending."""
    steps = awaitable.__await__()
    try:
        first = next(steps)
    except StopIteration as done:
        found: T = done.value
        return found
    limit = limit if isinstance(limit, TimeLimit) else TimeLimit(limit)
    with limit:
        return (yield from _Begun(steps, first))


class _Begun(Generic[T]):
    """Generator whose first step was taken already; it yields that step's value first."""

    def __init__(self, steps: Generator[Any, Any, T], first: Any) -> None:
        self._steps, self._first = steps, [first]

    def __iter__(self) -> Generator[Any, Any, T]:
        return cast(Generator[Any, Any, T], self)

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        return self._first.pop() if self._first else self._steps.send(value)

    def throw(self, *error: Any) -> Any:
        return self._steps.throw(*error)

    def close(self) -> None:
        self._steps.close()
