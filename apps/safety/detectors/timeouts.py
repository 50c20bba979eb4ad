"""Limit and measure the time of each detector.

A late result counts as missing: as the status of its signal or as no verdict, never as a score of zero. Rules, patterns
and blocklists run in the caller's thread and cannot be interrupted; they are measured and ignored if late.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

CHECK_S = 20.0  # for one question or one window of an answer, by all detectors
PASSAGE_S = 1.0  # in addition, per passage of a batch
PICTURE_S = 30.0  # for one picture; loading a model takes most of it
# Seconds by name of the detector in its signals. The first four take milliseconds for the longest question;
# the classifiers may have to be loaded first. The limit of a guard model is GUARD_SECONDS, in its own client.
TIMEOUT_S = {
    "rules": 2.0, "personal": 2.0, "lists": 2.0, "canary": 2.0, "text": 15.0, "planted": 15.0, "guard": CHECK_S,
    "pictures": PICTURE_S,
}  # fmt: skip

MAX_HUNG_THREADS = 8  # late threads at which no further one is started, as each holds its data in memory
_lock = threading.Lock()
_hung: set[threading.Thread] = set()


def measure_time(work: Callable[[], T]) -> tuple[T, float]:
    """Return the result of `work` and its duration in milliseconds."""
    began = time.perf_counter()
    found = work()
    return found, (time.perf_counter() - began) * 1000


def is_late(detector: str, ms: float) -> bool:
    """Return whether `ms` milliseconds exceed the limit of the detector."""
    return ms > TIMEOUT_S[detector] * 1000


def run_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """Return the result of `work` or raise its error.

    Raise TimeoutError if it takes longer than `seconds`, or if MAX_HUNG_THREADS earlier ones still run. `work` runs in
    its own thread, also past the deadline, so it must not use the database.
    """
    if not _has_room():
        raise TimeoutError(f"{MAX_HUNG_THREADS} checks hang past their deadline")
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - raised in the waiting thread
            future.set_exception(error)

    thread = threading.Thread(target=run, daemon=True, name="check")
    thread.start()
    try:
        return future.result(seconds)
    except TimeoutError:
        if not future.done():
            with _lock:
                _hung.add(thread)
        raise


def _has_room() -> bool:
    """Return whether fewer than MAX_HUNG_THREADS threads run past their deadline; finished ones are forgotten."""
    with _lock:
        _hung.difference_update([thread for thread in _hung if not thread.is_alive()])
        return len(_hung) < MAX_HUNG_THREADS
