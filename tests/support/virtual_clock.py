"""Event loop whose clock advances only while all tasks sleep, so that timing does not depend on the machine's load.

Only for tests without threads and other processes, which take real time.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any


class VirtualClock(asyncio.SelectorEventLoop):
    """Event loop with a virtual clock: a sleep ends at once and advances the clock by its duration."""

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
    """Decorate an async test so that it runs on a virtual clock."""

    @functools.wraps(test)
    def run(*given: Any, **named: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualClock) as runner:
            runner.run(test(*given, **named))

    return run
