"""Circuit breaker of a model server: after some failures calls fail at once, and single calls probe the server."""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 3  # consecutive ones that open the breaker
COOL_S = 3.0  # seconds between two probes while it is open


class CircuitBreaker:
    """Circuit breaker: closed, open or half open. May be shared by several event loops, since each step is a few
    assignments."""

    def __init__(
        self, failures: int = FAILURES, cool_s: float = COOL_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_failures = failures
        self._cooling_s = cool_s
        self._clock = clock
        self._failures = 0
        self._next_probe = 0.0

    def admits(self) -> bool:
        """Return whether a call may go out. While open, True once per cooling time: that call is the probe."""
        if self._failures < self._max_failures:
            return True
        now = self._clock()
        if now < self._next_probe:
            return False
        self._next_probe = now + self._cooling_s
        return True

    def success(self) -> None:
        """Close the breaker."""
        self._failures = 0

    def failure(self) -> None:
        """Count a failure and start a new cooling time."""
        self._failures += 1
        self._next_probe = self._clock() + self._cooling_s
