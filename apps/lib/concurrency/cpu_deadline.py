"""Deadline in CPU time of a thread, cheap enough to check thousands of times a second."""

from __future__ import annotations

import time


class Deadline:
    """Limit of `seconds` of CPU time, not wall-clock time, of the thread that creates it. Use it in that thread
    only."""

    def __init__(self, seconds: float) -> None:
        self._began = time.thread_time()
        self._seconds = seconds
        self._earliest = time.monotonic() + seconds  # CPU time never exceeds wall-clock time

    @property
    def spent(self) -> float:
        """Seconds of CPU time used so far."""
        return time.thread_time() - self._began

    @property
    def left(self) -> float:
        """Seconds of CPU time until the deadline; 0 afterwards."""
        return max(self._seconds - self.spent, 0.0)

    @property
    def passed(self) -> bool:
        """True once the CPU time is used up."""
        if time.monotonic() < self._earliest:
            return False
        self._earliest = time.monotonic() + self.left
        return self.left == 0.0
