"""A limit of time for one thing after another, all of which nearly always end long before it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from types import TracebackType, coroutine
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


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


@coroutine
def await_within(limit: TimeLimit | float, awaitable: Awaitable[T]) -> Generator[Any, Any, T]:
    """What `awaitable` gives; raises TimeoutError where it takes longer than the limit, or so many seconds. Nothing is
    set up for what has its result at once, as nearly all of a sort may have."""
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
    """Steps of which the first is done: what they then waited for is waited for first."""

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
