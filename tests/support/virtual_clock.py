"""Time that passes only while all wait: who sleeps for a second is a second later at once, and never later than that,
however busy the machine is. For tests without threads and other processes, which take their time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any


class VirtualClock(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__()
        select = self._selector.select  # type: ignore[attr-defined]

        def found(timeout: float | None = None) -> Any:
            events = select(0 if timeout is not None else None)
            self._now += 0 if events else timeout or 0
            return events

        self._selector.select = found  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now


def run_on_virtual_clock(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test runs on such a clock."""

    @functools.wraps(test)
    def run(*given: Any, **named: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualClock) as runner:
            runner.run(test(*given, **named))

    return run
