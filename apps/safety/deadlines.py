"""How long each detector may take. What comes later counts as not come: a status of its signal, never a zero."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

CHECK_S = 20.0  # one question or one window of an answer: rules, personal data, classifiers and guard together
PASSAGE_S = 1.0  # on top of it for each passage of a batch: words, planted instructions
PICTURE_S = 30.0  # one picture; a model that is read for the first time takes most of it
# By the name of the detector in its signals; a guard model has a shorter one of its own (GUARD_TIMEOUT_S).
SECONDS = {
    "rules": CHECK_S, "personal": CHECK_S, "text": CHECK_S, "guard": CHECK_S, "planted": CHECK_S, "pictures": PICTURE_S,
}  # fmt: skip


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises; TimeoutError where it takes longer. It then runs on in a thread of its own for
    which nobody waits, so it must not use the database."""
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="check").start()
    return future.result(seconds)
