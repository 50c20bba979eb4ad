"""How long each detector may take, and how long it took. What comes later counts as not come: a status of its signal,
or no verdict at all; never a zero. What cannot be interrupted (rules, forms, lists: they run where they are asked) is
measured, and counts as not come where it took too long."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

CHECK_S = 20.0  # one question or one window of an answer, whatever looks at it
PASSAGE_S = 1.0  # on top of it for each passage of a batch: words, planted instructions
PICTURE_S = 30.0  # one picture; a model that is read for the first time takes most of it
# By the name of the detector in its signals, in seconds. The first four take milliseconds for the longest question;
# the classifiers may have to be read from the disk first. A guard model's is GUARD_SECONDS, of its own client.
TIMEOUT_S = {
    "rules": 2.0, "personal": 2.0, "lists": 2.0, "canary": 2.0, "text": 15.0, "planted": 15.0, "guard": CHECK_S,
    "pictures": PICTURE_S,
}  # fmt: skip

MAX_HUNG_THREADS = (
    8  # threads past their deadline at which no further one is started: each holds what its work has read
)
_lock = threading.Lock()
_hung: set[threading.Thread] = set()


def measure_time(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and how many milliseconds it took."""
    began = time.perf_counter()
    found = work()
    return found, (time.perf_counter() - began) * 1000


def is_late(detector: str, ms: float) -> bool:
    return ms > TIMEOUT_S[detector] * 1000


def run_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise what it raises; raise TimeoutError where it takes longer, or where `HUNG`
    earlier ones still hang. `work` runs in a thread of its own, past the deadline too, so it must not use the
    database."""
    if not _has_room():
        raise TimeoutError(f"{MAX_HUNG_THREADS} checks hang past their deadline")
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
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
    """Return whether fewer than `HUNG` threads run past their deadline; those that have ended are forgotten."""
    with _lock:
        _hung.difference_update([thread for thread in _hung if not thread.is_alive()])
        return len(_hung) < MAX_HUNG_THREADS
