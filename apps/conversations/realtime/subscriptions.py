"""Turns that one socket follows: events are read from the turn log, each turn in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

from apps.conversations.core.events import is_last_event
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Message
from apps.conversations.turns import runner, temporary_chats
from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db

log = logging.getLogger(__name__)

MAX_TURNS = 20  # turns that one socket follows at once


class TurnSubscriptions:
    """Followed turns of one socket. `send` sends a frame, `tell` a message; `key` is the session of the user."""

    def __init__(
        self, key: str, send: Callable[[bytes], Awaitable[None]], tell: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        self.key, self.send, self.tell = key, send, tell
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, turn: UUID, after: int) -> None:
        """Send the events of the turn after that `seq`, until its end. Raise RequestRefused beyond MAX_TURNS.

        The caller checks that the turn is the user's.
        """
        name = str(turn)
        self.leave(name)
        if len(self.tasks) >= MAX_TURNS:
            raise RequestRefused("This page follows too many answers at once. Reload it.")
        task = self.tasks[name] = asyncio.create_task(self._follow_log(name, after))
        task.add_done_callback(lambda done: self._finish_task(name, done))

    def leave(self, turn: str) -> None:
        """Stop sending events of the turn, even those already read from its log."""
        if (task := self.tasks.pop(turn, None)) is not None:
            task.cancel()

    def end(self) -> list[asyncio.Task[None]]:
        """Cancel all tasks and return them."""
        for task in self.tasks.values():
            task.cancel()
        return list(self.tasks.values())

    def _finish_task(self, name: str, task: asyncio.Task[None]) -> None:
        if self.tasks.get(name) is task:
            del self.tasks[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A turn could not be followed", exc_info=error)

    async def _follow_log(self, turn: str, after: int) -> None:
        closed = False
        try:
            async with aclosing(
                (temporary_chats.get_turn_log(UUID(turn)) or registry.get_turn_log()).tail(turn, after)
            ) as entries:
                async for entry in entries:
                    closed = is_last_event(entry.data)
                    await self.send(b'{"seq":%d,%b' % (entry.seq, entry.data[1:]))
        except EngineError as error:
            log.warning("A turn is no longer followed: %s", error)
        if not closed:  # the log is gone or unreachable, or the process of the turn died
            await self._wait_for_end(turn)

    async def _wait_for_end(self, turn: str) -> None:
        """Wait until the row of the turn has ended, then tell the page to fetch the stored answer."""
        while await in_db(runner.get_status, self.key, UUID(turn)) == Message.Status.WRITING:
            await asyncio.sleep(1)
        await self.tell({"type": "unknown", "turn": turn})
