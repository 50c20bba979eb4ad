"""Limit concurrent streams per model server, and retry while a server is unreachable.

Waiting turns are served first come, first served, and see their position. Retries back off exponentially, for
MAX_RETRY_S at most. Entry points: `wait_for_model`, `stream_model`, and `ModelQueue.run_in_spare_place` for requests
that no text may wait for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils.translation import gettext

from apps.conversations.core.events import Waiting
from apps.conversations.turns.reasoning import ReasoningPiece
from apps.engines import registry
from apps.engines.types import ChatRequest, EngineBusy, EngineError, Finish, ModelInfo, Usage
from apps.lib import metrics

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn

MAX_RETRY_S = 30 * 60.0  # seconds that a question waits for an unreachable server
T = TypeVar("T")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0  # seconds between attempts

_AWAY = (
    "The model server is not responding. Your question is saved, and the answer starts automatically when the "
    "server is back."
)
_BUSY = "The model server is busy. Your question is saved and will be sent again shortly."


class PlaceTaken(EngineBusy):
    """End of work in a spare place, because a turn waits for it."""


class ModelQueue:
    """First-come, first-served queue for `places` concurrent streams of one model server, within this process."""

    def __init__(self, places: int) -> None:
        self._places = self._free = places
        self._queue: list[asyncio.Event] = []
        self._spare: set[asyncio.Task[Any]] = set()  # work in places that no turn needs
        self._spare_waiting: set[asyncio.Event] = set()

    @property
    def idle(self) -> bool:
        """Return whether no stream runs and no turn waits."""
        return self._free == self._places and not self._queue

    @property
    def waiting(self) -> int:
        """Return the number of turns that wait for a place."""
        return len(self._queue)

    @asynccontextmanager
    async def place(self, turn: Turn) -> AsyncIterator[None]:
        """Hold one place while the model writes. A waiting turn emits its position in the queue."""
        start = time.perf_counter()
        waited = await self._enter(turn)
        try:
            if waited:
                await turn.emit_step("wait", gettext("Waited for the model"), (time.perf_counter() - start) * 1000)
            yield
        finally:
            self._free += 1
            self._wake_waiting()

    async def run_in_spare_place(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait until a place is free that no turn waits for, and run `work` in it.

        Raise PlaceTaken, with the work cancelled, as soon as a turn has to wait.
        """
        await self._wait_until_spare()
        self._free -= 1
        task = asyncio.create_task(work())
        self._spare.add(task)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            await asyncio.wait([task])
            self._spare.discard(task)
            self._free += 1
            self._wake_waiting()
        if task.cancelled():
            raise PlaceTaken
        return task.result()

    async def _wait_until_spare(self) -> None:
        changed = asyncio.Event()
        self._spare_waiting.add(changed)
        try:
            while self._free <= 0 or self._queue:
                changed.clear()
                await changed.wait()
        finally:
            self._spare_waiting.discard(changed)

    async def _enter(self, turn: Turn) -> bool:
        """Take one place. Return whether the turn had to wait."""
        moved = asyncio.Event()
        self._queue.append(moved)
        waited = False
        try:
            while not (self._free > 0 and self._queue[0] is moved):
                waited = True
                for spare in self._spare:
                    spare.cancel()
                moved.clear()  # before the event is sent, so that a move meanwhile is not missed
                await turn.emit_step(
                    "wait",
                    gettext("Waiting for the model, position %(place)s in the queue")
                    % {"place": self._queue.index(moved) + 1},
                )
                await moved.wait()
            self._free -= 1
        finally:
            self._queue.remove(moved)
            self._wake_waiting()
        return waited

    def _wake_waiting(self) -> None:
        for moved in (*self._queue, *self._spare_waiting):
            moved.set()


class Backoff:
    """Exponential backoff of one turn: waits after each failure and tells the user the reason once."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._until = time.monotonic() + MAX_RETRY_S
        self._pause = FIRST_PAUSE_S
        self._last_message = ""

    async def wait_after(self, error: EngineError) -> None:
        """Sleep until the next attempt. Raise the error if it is permanent or MAX_RETRY_S has passed."""
        if not error.retry or time.monotonic() > self._until:
            raise error
        metrics.ENGINE_ERRORS.labels(type(error).__name__).inc()  # an error that is raised is counted by the caller
        words = _BUSY if isinstance(error, EngineBusy) else _AWAY
        if words != self._last_message:
            self._last_message = words
            await self._turn.emit(Waiting(gettext(words)))
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_S)


_queues: dict[str, ModelQueue] = {}  # by server
metrics.TURNS_WAITING.set_function(lambda: sum(queue.waiting for queue in list(_queues.values())))


def get_model_queue(name: str) -> ModelQueue:
    """Return the queue of the server that serves this model. An unknown name means the first model."""
    model = registry.get_chat_model(name) or registry.list_chat_models()[0]
    return _queues.setdefault(model.server, ModelQueue(model.streams))


def reset_queues() -> None:
    """Forget all queues (tests)."""
    _queues.clear()


async def wait_for_model(turn: Turn) -> ModelInfo:
    """Return the model server's description of its model, retrying while unreachable. Raise EngineError after that."""
    backoff = Backoff(turn)
    while True:
        try:
            return await turn.chat.info()
        except EngineError as error:
            await backoff.wait_after(error)


async def stream_model(turn: Turn, request: ChatRequest) -> AsyncGenerator[str | ReasoningPiece, None]:
    """Yield the model's text and reasoning as they arrive, from a place in the queue.

    Failures before the first word are retried; later ones raise EngineError, because shown text is not taken back. An
    answer that is continued begins with the text it had, so that the gate checks all of it.
    """
    if (
        turn.input.text_so_far and not turn.text
    ):  # continues an unfinished answer, whose text is gated and verified again
        yield turn.input.text_so_far
    backoff = Backoff(turn)
    while True:
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(get_model_queue(turn.input.model).place(turn))
                stream = await stack.enter_async_context(aclosing(_stream(turn, request)))
                async for text in stream:
                    yield text
            return
        except EngineError as error:
            if turn.output.has_begun:
                raise
            await backoff.wait_after(error)


async def _stream(turn: Turn, request: ChatRequest) -> AsyncGenerator[str | ReasoningPiece, None]:
    chat, pieces = turn.chat, list[str]()
    turn.output.begin_request(request, partial(_count_tokens, chat.count, request, pieces))
    async with aclosing(chat.stream(request)) as items:
        async for item in items:
            if isinstance(item, Finish):
                turn.output.finish_request(item)
                turn.progress.record_times(last_token=turn.progress.elapsed_ms)
                continue
            pieces += item.reasoning, item.text
            if turn.output.add_delta(item):
                turn.progress.record_times(first_token=turn.progress.elapsed_ms)
            if item.reasoning:
                yield ReasoningPiece(item.reasoning)
            if item.text:
                yield item.text


def _count_tokens(
    count: Callable[[Sequence[str]], list[int]], request: ChatRequest, pieces: Sequence[str]
) -> Usage | None:
    """Return the tokens of a request and of what arrived of its answer; None if nothing arrived."""
    if not any(pieces):
        return None
    *read, written = count([*(message.content for message in request.messages), "".join(pieces)])
    return Usage(sum(read), written)
