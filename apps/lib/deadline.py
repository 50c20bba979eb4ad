"""A limit on the processor time of a thread, cheap enough to be asked thousands of times in a second."""

from __future__ import annotations

import time


class Deadline:
    """Passes when the thread that made it has used that many seconds of processor time, however busy the machine is."""

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
        """Seconds of processor time until it passes; 0 afterwards."""
        return max(self._seconds - self.spent, 0.0)

    @property
    def passed(self) -> bool:
        if time.monotonic() < self._earliest:
            return False
        self._earliest = time.monotonic() + self.left
        return self.left == 0.0
