"""A circuit breaker: after some failures nobody waits for a server that is away; one call at a time looks for it."""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 3  # in a row, before callers are answered at once
COOL_S = 3.0  # until the next one may try


class CircuitBreaker:
    """Closed, open or half open. For one event loop or many: each step is a few assignments."""

    def __init__(
        self, failures: int = FAILURES, cool_s: float = COOL_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._cool_s = cool_s
        self._clock = clock
        self._failed = 0
        self._closed_until_tried = 0.0

    def admits(self) -> bool:
        """Whether a call may go out. While open, True once per cooling time: that call is the probe."""
        if self._failed < self._limit:
            return True
        now = self._clock()
        if now < self._closed_until_tried:
            return False
        self._closed_until_tried = now + self._cool_s
        return True

    def success(self) -> None:
        self._failed = 0

    def failure(self) -> None:
        self._failed += 1
        self._closed_until_tried = self._clock() + self._cool_s
