"""Whose turn it is: one picture at a time is in the model, and the next is chosen when that one is nearly drawn.

So one is stored while the next is drawn, and the model does not wait; none is taken out of the queue long before, and
they are drawn in the order in which they were chosen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_S = 0.5  # between two looks at whether a picture that waits for the model is still wanted
_HANDOVER_S = 0.05  # that whoever leaves the model gives the next one to get in
_queue_lock = threading.Lock()


class _ModelSlot:
    """One at a time is inside. Who leaves lets the one that waits in before it goes on: else that one would wait for
    the interpreter too, 5 ms (`sys.getswitchinterval`), in which the model draws nothing."""

    def __init__(self) -> None:
        self._lock, self._entered = threading.Lock(), threading.Event()
        self._waiting: set[int] = set()  # threads

    def enter(self, waits: Callable[[], None]) -> None:
        """`waits` is called now and then until it is free."""
        if not self._lock.acquire(blocking=False):
            self._waiting.add(threading.get_ident())
            try:
                while not self._lock.acquire(timeout=_LOOK_S):
                    waits()
            finally:
                self._waiting.discard(threading.get_ident())
        self._entered.set()

    def leave(self) -> None:
        self._entered.clear()
        self._lock.release()
        if self._waiting:
            self._entered.wait(_HANDOVER_S)


_model_slot = _ModelSlot()


class DrawingTurn:
    """Of one picture. Entered, the next one is chosen when it is nearly drawn; or, `alone`, when it has ended."""

    alone = False

    def __init__(self) -> None:
        self._holds = False

    def __enter__(self) -> DrawingTurn:
        _queue_lock.acquire()
        self._holds = True
        return self

    def __exit__(self, *_: object) -> None:
        self.alone = False
        self.open()

    def open(self) -> None:
        """The next one may be chosen."""
        if self._holds and not self.alone:
            self._holds = False
            _queue_lock.release()

    @contextmanager
    def model(self, waits: Callable[[], None]) -> Iterator[None]:
        """In the model. Until it is free `waits` is called now and then; what it raises comes out here."""
        _model_slot.enter(waits)
        try:
            yield
        finally:
            self.open()
            _model_slot.leave()
