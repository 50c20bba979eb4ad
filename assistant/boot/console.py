"""Progress of `./run` on the terminal: one line per step, and a regular line while a step takes long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BEAT_S = 10  # seconds between two lines of a running step


def print_line(words: str) -> None:
    """Print one line and flush, so that it is seen at once in a pipe as well."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


@contextmanager
def timed_step(words: str, progress: Callable[[], str] | None = None) -> Iterator[None]:
    """Print what begins, `progress()` every ten seconds (called in another thread), and the seconds taken."""
    print_line(f"· {words} …")
    started, done = time.monotonic(), threading.Event()

    def beat() -> None:
        while not done.wait(_BEAT_S):
            far = progress() if progress else "still working"
            print_line(f"  {far} ({time.monotonic() - started:.0f} s)")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    print_line(f"  done in {time.monotonic() - started:.1f} s")
