"""The turns that one socket follows: their events go out from the turn log alone, each turn in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

from apps.conversations.core.requests import RequestRefused
from apps.conversations.models import Message
from apps.conversations.turns import runner, temporary_chats
from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db

log = logging.getLogger(__name__)

MAX_TURNS = 20  # turns that one socket follows at once
_LAST = (b'{"type":"closed"', b'{"type":"retracted"')  # events after which nothing follows


class TurnSubscriptions:
    """`send` sends a frame, `tell` a message; `key` is the session whose person reads."""

    def __init__(
        self, key: str, send: Callable[[bytes], Awaitable[None]], tell: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        self.key, self.send, self.tell = key, send, tell
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, turn: UUID, after: int) -> None:
        """The events of the turn after that number go out. Raises Refused where that is one turn too many."""
        name = str(turn)
        self.leave(name)
        if len(self.tasks) >= MAX_TURNS:
            raise RequestRefused("This page follows too many answers at once. Reload it.")
        task = self.tasks[name] = asyncio.create_task(self._tail(name, after))
        task.add_done_callback(lambda done: self._done(name, done))

    def leave(self, turn: str) -> None:
        """Nothing more goes out of that turn, also of what was read from its log already."""
        if (task := self.tasks.pop(turn, None)) is not None:
            task.cancel()

    def end(self) -> list[asyncio.Task[None]]:
        """The tasks, which are being ended."""
        for task in self.tasks.values():
            task.cancel()
        return list(self.tasks.values())

    def _done(self, name: str, task: asyncio.Task[None]) -> None:
        if self.tasks.get(name) is task:
            del self.tasks[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A turn could not be followed", exc_info=error)

    async def _tail(self, turn: str, after: int) -> None:
        closed = False
        try:
            async with aclosing(
                (temporary_chats.get_turn_log(UUID(turn)) or registry.get_turn_log()).tail(turn, after)
            ) as entries:
                async for entry in entries:
                    closed = entry.data.startswith(_LAST)
                    await self.send(b'{"seq":%d,%b' % (entry.seq, entry.data[1:]))
        except EngineError as error:
            log.warning("A turn is no longer followed: %s", error)
        if not closed:  # the log is gone or away, or its process died before the end
            await self._over(turn)

    async def _over(self, turn: str) -> None:
        """The page is told to fetch the stored answer once the row is at an end."""
        while await in_db(runner.get_status, self.key, UUID(turn)) == Message.Status.WRITING:
            await asyncio.sleep(1)
        await self.tell({"type": "unknown", "turn": turn})
