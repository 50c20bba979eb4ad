"""What `./run` tells on the terminal: a line per step, and a sign of life while one takes long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BEAT_S = 10


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


@contextmanager
def step(words: str, progress: Callable[[], str] | None = None) -> Iterator[None]:
    """Says what begins, how far it is (every ten seconds), and how long it took."""
    say(f"· {words} …")
    started, done = time.monotonic(), threading.Event()

    def beat() -> None:
        while not done.wait(_BEAT_S):
            far = progress() if progress else "still at it"
            say(f"  {far} ({time.monotonic() - started:.0f} s)")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    say(f"  done in {time.monotonic() - started:.1f} s")
