"""Limit the processor time of a thread, by a check cheap enough for thousands of calls in a second."""

from __future__ import annotations

import time


class Deadline:
    """Limit of `seconds` of processor time, not wall-clock time, of the thread that makes it.

    Use it in that thread only.
    """

    def __init__(self, seconds: float) -> None:
        self._began = time.thread_time()
        self._seconds = seconds
        self._earliest = time.monotonic() + seconds  # processor time never runs faster than the clock

    @property
    def spent(self) -> float:
        """Seconds of processor time used so far."""
        return time.thread_time() - self._began

    @property
    def left(self) -> float:
        """Seconds of processor time until the deadline passes; 0 afterwards."""
        return max(self._seconds - self.spent, 0.0)

    @property
    def passed(self) -> bool:
        if time.monotonic() < self._earliest:
            return False
        self._earliest = time.monotonic() + self.left
        return self.left == 0.0
