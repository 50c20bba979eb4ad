"""Serialise the use of the picture model by the threads of one process, and overlap drawing with storing.

One picture at a time is in the model. The next one is taken from the queue when the present one is nearly drawn: one is
stored while the next is drawn, none leaves the queue long before, and the order is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_POLL_S = 0.5  # seconds between two checks whether a picture that waits for the model is still wanted
_queue_lock = threading.Lock()
_model_lock = threading.Lock()


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
    def model(self, while_waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the model within the block. Until it is free, `while_waiting` is called every _POLL_S; its exceptions
        pass through."""
        while not _model_lock.acquire(timeout=_POLL_S):
            while_waiting()
        try:
            yield
        finally:
            self.release_queue()
            _model_lock.release()
