"""The door to the model server: a few streams at a time, with the place in the queue, and patience while it is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from apps.conversations.events import Waiting
from apps.conversations.turn import Turn
from apps.engines import registry
from apps.engines.base import ChatRequest, EngineBusy, EngineError, Finish, ModelInfo

STREAMS = 8  # at once in this process; the server batches them, more would only slow each other down
PATIENCE_S = 30 * 60.0  # how long a question waits for a server that is away
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0  # between looks at it

_AWAY = "The model server does not answer. Your question is kept, and the answer begins by itself when it is back."
_BUSY = "The model server is busy. Your question is kept and is sent again shortly."


class Door:
    """Lets turns through in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._queue: list[asyncio.Event] = []

    @asynccontextmanager
    async def place(self, turn: Turn) -> AsyncIterator[None]:
        """Held while the model writes. Waiting shows how many are before this turn."""
        start = time.perf_counter()
        waited = await self._enter(turn)
        try:
            if waited:
                await turn.step("wait", "Waited for the model", (time.perf_counter() - start) * 1000)
            yield
        finally:
            self._free += 1
            self._move()

    async def _enter(self, turn: Turn) -> bool:
        """One place is taken; whether it had to be waited for."""
        moved = asyncio.Event()
        self._queue.append(moved)
        waited = False
        try:
            while not (self._free > 0 and self._queue[0] is moved):
                waited = True
                moved.clear()  # before it is said: what moves meanwhile counts
                await turn.step("wait", f"Waiting for the model, place {self._queue.index(moved) + 1} in the queue")
                await moved.wait()
            self._free -= 1
        finally:
            self._queue.remove(moved)
            self._move()
        return waited

    def _move(self) -> None:
        for moved in self._queue:
            moved.set()


class Patience:
    """Waits after each failure, longer every time, and says so once; gives up where trying again does not help."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._until = time.monotonic() + PATIENCE_S
        self._pause = FIRST_PAUSE_S
        self._said = ""

    async def after(self, error: EngineError) -> None:
        """Returns when it is time to try again; raises the error where that is over or useless."""
        if not error.retry or time.monotonic() > self._until:
            raise error
        words = _BUSY if isinstance(error, EngineBusy) else _AWAY
        if words != self._said:
            self._said = words
            await self._turn.say(Waiting(words))
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_S)


door = Door(STREAMS)


async def model(turn: Turn) -> ModelInfo:
    """What the server serves, as soon as it answers. Raises EngineError when patience is over."""
    patience = Patience(turn)
    while True:
        try:
            return await registry.chat().info()
        except EngineError as error:
            await patience.after(error)


async def deltas(turn: Turn, request: ChatRequest) -> AsyncGenerator[str, None]:
    """The model's text as it comes. A server that fails before the first word is waited for; one that fails later
    ends the answer, because what was shown is not taken back."""
    patience = Patience(turn)
    while True:
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(door.place(turn))
                stream = await stack.enter_async_context(aclosing(_stream(turn, request)))
                async for text in stream:
                    yield text
            return
        except EngineError as error:
            if turn.begun:
                raise
            await patience.after(error)


async def _stream(turn: Turn, request: ChatRequest) -> AsyncGenerator[str, None]:
    async with aclosing(registry.chat().stream(request)) as items:
        async for item in items:
            if isinstance(item, Finish):
                turn.usage, turn.finish = item.usage, item.reason
            elif item.text:
                turn.begun = True
                yield item.text
