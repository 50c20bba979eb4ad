"""The door to the model server: a few streams at a time, with the place in the queue, and patience while it is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import astuple
from functools import partial

from django.utils.translation import gettext

from apps.conversations.core.events import Waiting
from apps.conversations.turns.reasoning import ReasoningPiece
from apps.conversations.turns.state import Turn
from apps.engines import registry
from apps.engines.types import ChatRequest, EngineBusy, EngineError, Finish, ModelInfo, Usage

MAX_RETRY_S = 30 * 60.0  # how long a question waits for a server that is away
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0  # between looks at it

_AWAY = "The model server does not answer. Your question is kept, and the answer begins by itself when it is back."
_BUSY = "The model server is busy. Your question is kept and is sent again shortly."


class ModelQueue:
    """Lets turns through in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._places = self._free = places
        self._queue: list[asyncio.Event] = []

    @property
    def idle(self) -> bool:
        """Nobody is inside, and nobody waits."""
        return self._free == self._places and not self._queue

    @asynccontextmanager
    async def place(self, turn: Turn) -> AsyncIterator[None]:
        """Held while the model writes. Waiting shows how many are before this turn."""
        start = time.perf_counter()
        waited = await self._enter(turn)
        try:
            if waited:
                await turn.step("wait", gettext("Waited for the model"), (time.perf_counter() - start) * 1000)
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
                await turn.step(
                    "wait",
                    gettext("Waiting for the model, place %(place)s in the queue")
                    % {"place": self._queue.index(moved) + 1},
                )
                await moved.wait()
            self._free -= 1
        finally:
            self._queue.remove(moved)
            self._move()
        return waited

    def _move(self) -> None:
        for moved in self._queue:
            moved.set()


class Backoff:
    """Waits after each failure, longer every time, and says so once; gives up where trying again does not help."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._until = time.monotonic() + MAX_RETRY_S
        self._pause = FIRST_PAUSE_S
        self._said = ""

    async def after(self, error: EngineError) -> None:
        """Returns when it is time to try again; raises the error where that is over or useless."""
        if not error.retry or time.monotonic() > self._until:
            raise error
        words = _BUSY if isinstance(error, EngineBusy) else _AWAY
        if words != self._said:
            self._said = words
            await self._turn.say(Waiting(gettext(words)))
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_S)


_doors: dict[str, ModelQueue] = {}  # by server


def get_model_queue(name: str) -> ModelQueue:
    """The door of the server of that model; models of one server share it."""
    model = registry.get_chat_model(name) or registry.list_chat_models()[0]
    return _doors.setdefault(model.server, ModelQueue(model.streams))


def reset_queues() -> None:
    """The doors are made anew (tests)."""
    _doors.clear()


async def wait_for_model(turn: Turn) -> ModelInfo:
    """What the server serves, as soon as it answers. Raises EngineError when patience is over."""
    patience = Backoff(turn)
    while True:
        try:
            return await turn.chat.info()
        except EngineError as error:
            await patience.after(error)


async def stream_model(turn: Turn, request: ChatRequest) -> AsyncGenerator[str | ReasoningPiece, None]:
    """The model's text as it comes, and what it thinks. A server that fails before the first word is waited for; one
    that fails later ends the answer, because what was shown is not taken back."""
    if turn.opening.written and not turn.text:  # it is written on: what it had passes the gate and is checked again
        yield turn.opening.written
    patience = Backoff(turn)
    while True:
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(get_model_queue(turn.opening.model).place(turn))
                stream = await stack.enter_async_context(aclosing(_stream(turn, request)))
                async for text in stream:
                    yield text
            return
        except EngineError as error:
            if turn.begun:
                raise
            await patience.after(error)


async def _stream(turn: Turn, request: ChatRequest) -> AsyncGenerator[str | ReasoningPiece, None]:
    chat, said = turn.chat, list[str]()
    turn.cut = partial(_counted, chat.count, request, said)
    async with aclosing(chat.stream(request)) as items:
        async for item in items:
            if isinstance(item, Finish):
                turn.usage, turn.finish, turn.calls = add_usage(turn.usage, item.usage), item.reason, item.calls
                turn.timings["last_token"], turn.cut = _since(turn), None
                continue
            turn.tokens += item.logprobs
            said += item.thought, item.text
            if not turn.begun and (item.text or item.thought):
                turn.begun, turn.timings["first_token"] = True, _since(turn)
            if item.thought:
                yield ReasoningPiece(item.thought)
            if item.text:
                yield item.text


def _counted(count: Callable[[Sequence[str]], list[int]], request: ChatRequest, said: Sequence[str]) -> Usage | None:
    """The tokens of a request and of what came of its answer; None where nothing came."""
    if not any(said):
        return None
    *read, written = count([*(message.content for message in request.messages), "".join(said)])
    return Usage(sum(read), written)


def add_usage(one: Usage | None, other: Usage | None) -> Usage | None:
    """What all rounds of an answer used."""
    if one is None or other is None:
        return one or other
    return Usage(*map(sum, zip(astuple(one), astuple(other), strict=True)))


def _since(turn: Turn) -> float:
    """Milliseconds since the turn began."""
    return (time.perf_counter() - turn.started) * 1000
