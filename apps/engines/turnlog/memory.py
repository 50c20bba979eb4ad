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
    retracted_count: int = 0  # number of events that `retract` removed
    ended: bool = False
    stopped: bool = False
    last_used: float = field(default_factory=time.monotonic)
    readers: set[asyncio.Future[None]] = field(default_factory=set)  # readers that wait for an event or the end
    stop_waiters: set[asyncio.Future[None]] = field(default_factory=set)  # waiters for a stop, which events do not wake

    def wake(self, waiters: set[asyncio.Future[None]], now: float | None = None) -> None:
        self.last_used = time.monotonic() if now is None else now
        for future in waiters:
            if not future.done():
                future.set_result(None)

    @staticmethod
    async def wait(waiters: set[asyncio.Future[None]]) -> None:
        """Return once the waiters in `waiters` are woken."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters.add(future)
        try:
            await future
        finally:
            waiters.discard(future)


class MemoryTurnLog:
    """Turn log in memory. All calls must come from one event loop; no method awaits while it changes a turn, so no lock
    is needed."""

    def __init__(self, keep_s: float = 600, max_turn_bytes: int = _MAX_TURN_BYTES, max_bytes: int = _MAX_BYTES) -> None:
        self._retention_s = keep_s
        self._max_turn_bytes = max_turn_bytes
        self._max_bytes = max_bytes
        self._turns: dict[str, _Turn] = {}
        self._bytes = 0
        self._last_sweep = time.monotonic()
        self._sweep_pause_s = min(keep_s, 10)  # seconds between two sweeps

    async def append(self, turn: str, data: bytes) -> int:
        now, size = time.monotonic(), len(data)
        state = self._get_or_create(turn, now)
        if state.ended:
            raise EngineRefused("This answer is finished. Nothing can be added to it.")
        if state.size + size > self._max_turn_bytes:
            raise EngineRefused("The answer is too long to be stored while it is being written.")
        seq = state.retracted_count + len(state.entries) + 1
        state.entries.append(TurnLogEntry(seq, data))
        state.size += size
        self._bytes += size
        state.wake(state.readers, now)
        self._sweep(now)
        return seq

    async def finish(self, turn: str) -> None:
        state = self._get_or_create(turn)
        state.ended = True
        state.wake(state.readers)
        self._sweep(time.monotonic())

    async def read(self, turn: str, after: int = 0) -> list[TurnLogEntry]:
        state = self._find(turn)
        return state.entries[max(after - state.retracted_count, 0) :] if state else []

    async def exists(self, turn: str) -> bool:
        state = self._find(turn)
        return state is not None and (state.ended or bool(state.entries))

    async def tail(self, turn: str, after: int = 0) -> AsyncGenerator[TurnLogEntry, None]:
        state = self._find(turn)
        if state is None or not (state.ended or state.entries):
            return
        at = max(after, 0)
        while True:
            while (index := max(at - state.retracted_count, 0)) < len(state.entries):
                at = state.entries[index].seq
                yield state.entries[index]
            if state.ended:
                return
            await state.wait(state.readers)

    async def retract(self, turn: str, data: bytes) -> int:
        state = self._find(turn)
        if state is None or not (state.ended or state.entries):
            return 0
        state.retracted_count += len(state.entries)
        self._bytes += len(data) - state.size
        state.entries, state.size, state.ended = [TurnLogEntry(state.retracted_count + 1, data)], len(data), True
        state.wake(state.readers)
        return state.retracted_count + 1

    async def forget(self, turn: str) -> None:
        if (state := self._find(turn)) is None:
            return
        self._forget(turn)
        state.entries, state.ended = [], True
        state.wake(state.readers)

    async def request_stop(self, turn: str) -> None:
        state = self._get_or_create(turn)
        state.stopped = True
        state.wake(state.stop_waiters)

    async def wait_stop(self, turn: str) -> None:
        state = self._get_or_create(turn)
        while not state.stopped:
            await state.wait(state.stop_waiters)

    def _get_or_create(self, turn: str, now: float | None = None) -> _Turn:
        state = self._find(turn, now)
        if state is None:
            state = self._turns[turn] = _Turn()
        return state

    def _find(self, turn: str, now: float | None = None) -> _Turn | None:
        state = self._turns.get(turn)
        if state is not None and self._expired(state, time.monotonic() if now is None else now):
            self._forget(turn)
            return None
        return state

    def _expired(self, state: _Turn, now: float) -> bool:
        if state.readers or state.stop_waiters:  # the usual state of a running turn
            return False
        return now - state.last_used > (self._retention_s if state.ended else _ABANDONED_S)

    def _forget(self, turn: str) -> None:
        self._bytes -= self._turns.pop(turn).size

    def _sweep(self, now: float) -> None:
        """Drop expired turns every few seconds; above the limit drop ended ones as well, oldest first."""
        if now - self._last_sweep > self._sweep_pause_s:
            self._last_sweep = now
            for turn in [turn for turn, state in self._turns.items() if self._expired(state, now)]:
                self._forget(turn)
        if self._bytes > self._max_bytes:
            ended = sorted((state.last_used, turn) for turn, state in self._turns.items() if state.ended)
            for _, turn in ended:
                if self._bytes <= self._max_bytes:
                    return
                self._forget(turn)
