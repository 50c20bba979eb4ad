"""Turn log in this process, for a single web process. A restart loses it; the sweeper then closes the open turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from apps.engines.types import EngineRefused, TurnLogEntry

_MAX_TURN_BYTES = 16 * 1024 * 1024  # per answer, with its sources and all updates of its blocks; far above any real one
_MAX_BYTES = 32 * 1024 * 1024  # all turns together; ended ones are dropped first, of which some hundred fit
_ABANDONED_S = 3600.0  # seconds without an event, end or stop after which a turn counts as abandoned


@dataclass(eq=False)
class _Turn:
    entries: list[TurnLogEntry] = field(default_factory=list)
    size: int = 0
    gone: int = 0  # number of events that `retract` removed
    ended: bool = False
    stopped: bool = False
    touched: float = field(default_factory=time.monotonic)
    reading: set[asyncio.Future[None]] = field(default_factory=set)  # readers that wait for an event or the end
    stopping: set[asyncio.Future[None]] = field(default_factory=set)  # waiters for a stop, which events do not wake

    def wake(self, waiting: set[asyncio.Future[None]], now: float | None = None) -> None:
        self.touched = time.monotonic() if now is None else now
        for future in waiting:
            if not future.done():
                future.set_result(None)

    @staticmethod
    async def woken(waiting: set[asyncio.Future[None]]) -> None:
        """Return once the waiters in `waiting` are woken."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.add(future)
        try:
            await future
        finally:
            waiting.discard(future)


class MemoryTurnLog:
    """Turn log in memory. All calls must come from one event loop; no method awaits while it changes a turn, so no lock
    is needed."""

    def __init__(self, keep_s: float = 600, max_turn_bytes: int = _MAX_TURN_BYTES, max_bytes: int = _MAX_BYTES) -> None:
        self._keep_s = keep_s
        self._max_turn_bytes = max_turn_bytes
        self._max_bytes = max_bytes
        self._turns: dict[str, _Turn] = {}
        self._bytes = 0
        self._swept = time.monotonic()
        self._pause_s = min(keep_s, 10)  # seconds between two sweeps

    async def append(self, turn: str, data: bytes) -> int:
        now, size = time.monotonic(), len(data)
        held = self._held(turn, now)
        if held.ended:
            raise EngineRefused("This answer is finished. Nothing can be added to it.")
        if held.size + size > self._max_turn_bytes:
            raise EngineRefused("The answer is too long to be stored while it is being written.")
        seq = held.gone + len(held.entries) + 1
        held.entries.append(TurnLogEntry(seq, data))
        held.size += size
        self._bytes += size
        held.wake(held.reading, now)
        self._sweep(now)
        return seq

    async def finish(self, turn: str) -> None:
        held = self._held(turn)
        held.ended = True
        held.wake(held.reading)
        self._sweep(time.monotonic())

    async def read(self, turn: str, after: int = 0) -> list[TurnLogEntry]:
        held = self._find(turn)
        return held.entries[max(after - held.gone, 0) :] if held else []

    async def exists(self, turn: str) -> bool:
        held = self._find(turn)
        return held is not None and (held.ended or bool(held.entries))

    async def tail(self, turn: str, after: int = 0) -> AsyncGenerator[TurnLogEntry, None]:
        held = self._find(turn)
        if held is None or not (held.ended or held.entries):
            return
        at = max(after, 0)
        while True:
            while (place := max(at - held.gone, 0)) < len(held.entries):
                at = held.entries[place].seq
                yield held.entries[place]
            if held.ended:
                return
            await held.woken(held.reading)

    async def retract(self, turn: str, data: bytes) -> int:
        held = self._find(turn)
        if held is None or not (held.ended or held.entries):
            return 0
        held.gone += len(held.entries)
        self._bytes += len(data) - held.size
        held.entries, held.size, held.ended = [TurnLogEntry(held.gone + 1, data)], len(data), True
        held.wake(held.reading)
        return held.gone + 1

    async def forget(self, turn: str) -> None:
        if (held := self._find(turn)) is None:
            return
        self._forget(turn)
        held.entries, held.ended = [], True
        held.wake(held.reading)

    async def request_stop(self, turn: str) -> None:
        held = self._held(turn)
        held.stopped = True
        held.wake(held.stopping)

    async def wait_stop(self, turn: str) -> None:
        held = self._held(turn)
        while not held.stopped:
            await held.woken(held.stopping)

    def _held(self, turn: str, now: float | None = None) -> _Turn:
        held = self._find(turn, now)
        if held is None:
            held = self._turns[turn] = _Turn()
        return held

    def _find(self, turn: str, now: float | None = None) -> _Turn | None:
        held = self._turns.get(turn)
        if held is not None and self._expired(held, time.monotonic() if now is None else now):
            self._forget(turn)
            return None
        return held

    def _expired(self, held: _Turn, now: float) -> bool:
        if held.reading or held.stopping:  # the usual state of a running turn
            return False
        return now - held.touched > (self._keep_s if held.ended else _ABANDONED_S)

    def _forget(self, turn: str) -> None:
        self._bytes -= self._turns.pop(turn).size

    def _sweep(self, now: float) -> None:
        """Drop expired turns every few seconds; above the limit drop ended ones as well, oldest first."""
        if now - self._swept > self._pause_s:
            self._swept = now
            for turn in [turn for turn, held in self._turns.items() if self._expired(held, now)]:
                self._forget(turn)
        if self._bytes > self._max_bytes:
            ended = sorted((held.touched, turn) for turn, held in self._turns.items() if held.ended)
            for _, turn in ended:
                if self._bytes <= self._max_bytes:
                    return
                self._forget(turn)
