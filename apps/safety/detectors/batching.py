"""Score texts that wait at the same time in one batch.

A classifier scores ten texts in less than ten times the time of one, and concurrent answers wait for each other anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_pool
from apps.safety.policy.verdicts import CheckUnavailable

log = logging.getLogger(__name__)

_MOST = 16  # texts per batch; takes a sixth of a second on two cores
_AT_ONCE = 2  # batches at once

Scores = Mapping[str, float]


@dataclass(eq=False)
class _LoopQueue:
    """Texts of one event loop that wait for scores, in order."""

    waiting: list[tuple[str, asyncio.Future[Scores]]] = field(default_factory=list)
    reading: int = 0  # number of batches in progress
    readers: set[asyncio.Task[None]] = field(default_factory=set)

    def batch(self) -> list[tuple[str, asyncio.Future[Scores]]]:
        """Remove and return the next texts, without those whose caller was cancelled."""
        waiting = [(text, future) for text, future in self.waiting if not future.done()]
        batch, self.waiting = waiting[:_MOST], waiting[_MOST:]
        return batch


class MicroBatcher:
    """Batches concurrent texts of each event loop. `read` scores several texts and runs in the pool of the engines."""

    def __init__(self, read: Callable[[Sequence[str]], Sequence[Scores]]) -> None:
        self._read = read
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopQueue] = WeakKeyDictionary()

    async def scores(self, text: str) -> Scores:
        """Return the scores of the text by label. Raise EngineError, or CheckUnavailable for any other failure."""
        loop = asyncio.get_running_loop()
        line = self._lines.setdefault(loop, _LoopQueue())
        future: asyncio.Future[Scores] = loop.create_future()
        line.waiting.append((text, future))
        if line.reading < _AT_ONCE:
            line.reading += 1
            reader = loop.create_task(self._reader(line))
            line.readers.add(reader)
            reader.add_done_callback(line.readers.discard)
        return await future

    async def _reader(self, line: _LoopQueue) -> None:
        try:
            while batch := line.batch():
                await self._score_batch(batch)
        finally:
            line.reading -= 1

    async def _score_batch(self, batch: Sequence[tuple[str, asyncio.Future[Scores]]]) -> None:
        (found,) = await asyncio.gather(in_pool(self._read, [text for text, _ in batch]), return_exceptions=True)
        if isinstance(found, BaseException):
            if not isinstance(found, EngineError):
                log.error("Texts could not be judged", exc_info=found)
            _fail_batch(batch, found if isinstance(found, EngineError) else CheckUnavailable())
            return
        for (_, future), scores in zip(batch, found, strict=True):
            if not future.done():
                future.set_result(scores)


def _fail_batch(batch: Sequence[tuple[str, asyncio.Future[Scores]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
