"""State of a process that ends soon: it takes no new answers, and lets running ones end until a deadline.

`assistant/drain.py` begins it at SIGTERM. Entry points: `begin`, `is_draining`, `is_over`.
"""

from __future__ import annotations

import time

_deadline: float | None = None  # of the monotonic clock


def begin(seconds: float) -> None:
    """Begin to drain; running answers have that many seconds."""
    global _deadline
    _deadline = time.monotonic() + seconds


def is_draining() -> bool:
    """Return whether the process takes no new answers."""
    return _deadline is not None


def is_over() -> bool:
    """Return whether the deadline has passed."""
    return _deadline is not None and time.monotonic() >= _deadline


def reset() -> None:
    """Forget that the process drains (tests)."""
    global _deadline
    _deadline = None
