"""Serialise the use of the picture model by the threads of one process, and overlap drawing with storing.

One picture at a time is in the model. The next one is taken from the queue when the present one is nearly drawn: one is
stored while the next is drawn, none leaves the queue long before, and the order is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_POLL_S = 0.5  # seconds between two checks whether a picture that waits for the model is still wanted
_HANDOVER_S = 0.05  # maximum seconds that a leaving thread waits for the next one to enter
_queue_lock = threading.Lock()


class _ModelSlot:
    """Lock of the picture model, held by one thread at a time.

    A leaving thread lets a waiting one enter before it goes on. Otherwise that one would also wait for the interpreter,
    5 ms (`sys.getswitchinterval`) in which the model is idle.
    """

    def __init__(self) -> None:
        self._lock, self._entered = threading.Lock(), threading.Event()
        self._waiting: set[int] = set()  # thread ids

    def enter(self, while_waiting: Callable[[], None]) -> None:
        """Enter once the model is free.

        Until then `while_waiting` is called every _POLL_S; its exceptions pass through.
        """
        if not self._lock.acquire(blocking=False):
            self._waiting.add(threading.get_ident())
            try:
                while not self._lock.acquire(timeout=_POLL_S):
                    while_waiting()
            finally:
                self._waiting.discard(threading.get_ident())
        self._entered.set()

    def leave(self) -> None:
        self._entered.clear()
        self._lock.release()
        if self._waiting:
            self._entered.wait(_HANDOVER_S)


_model_slot = _ModelSlot()


class QueueTicket:
    """Ticket of one picture in the queue; holds the queue until the picture is nearly drawn.

    With `exclusive` it holds the queue until the picture has ended.
    """

    exclusive = False

    def __init__(self) -> None:
        self._holds = False

    def __enter__(self) -> QueueTicket:
        _queue_lock.acquire()
        self._holds = True
        return self

    def __exit__(self, *_: object) -> None:
        self.exclusive = False
        self.release_queue()

    def release_queue(self) -> None:
        """Let another thread take the next picture from the queue. Does nothing if `exclusive` is set."""
        if self._holds and not self.exclusive:
            self._holds = False
            _queue_lock.release()

    @contextmanager
    def model(self, waits: Callable[[], None]) -> Iterator[None]:
        """Hold the model within the block. Until it is free `waits` is called repeatedly; its exceptions pass
        through."""
        _model_slot.enter(waits)
        try:
            yield
        finally:
            self.release_queue()
            _model_slot.leave()
