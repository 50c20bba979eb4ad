"""Receivers of the events of a turn, one class a kind of turn. The Protocol is `core.turn_sink.TurnSink`.

`StoredSink` has rows and a turn log. `ListenerSink` has one listener (API, preview of an assistant), `TemporarySink`
the log of a temporary chat, `DraftSink` nobody (prefetch while the user types).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from apps.conversations.core import notifications
from apps.conversations.core.events import Event, Waiting, encode_event
from apps.conversations.core.numbered_sources import NumberedPassage
from apps.conversations.core.tool_calls import ToolCallRecord
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.evidence import source_numbering
from apps.conversations.tools import call_cards
from apps.engines import registry
from apps.engines.types import EngineUnavailable, TurnLog
from apps.lib.concurrency.threads import in_db

_AWAY = "The model server does not answer. Try again in a moment."


@dataclass(frozen=True, slots=True)
class StoredSink:
    """Sink of a turn with rows: events go to the turn log, sources and calls to the database."""

    records_tokens: ClassVar[bool] = True
    allows_tools: ClassVar[bool] = True

    input: TurnInput

    async def emit(self, event: Event) -> None:
        """Append the event to the turn's log. Raise EngineError if the log is unreachable."""
        turn = str(self.input.answer_id)
        await registry.get_turn_log().append(turn, encode_event(event, turn=turn))

    async def save_sources(self, passages: Sequence[NumberedPassage]) -> None:
        """Store the numbered passages as sources of the answer."""
        await in_db(source_numbering.save_sources, self.input.conversation_id, self.input.answer_id, list(passages))

    async def save_calls(self, calls: Iterable[ToolCallRecord]) -> None:
        """Store the tool calls in the answer row, if the lease still holds it."""
        await in_db(call_cards.save_calls, self.input.answer_id, self.input.lease, list(calls))

    async def notify(self) -> None:
        """Notify the user's other pages that this conversation changed."""
        await notifications.notify_conversation_changed(self.input.user.pk, self.input.conversation_id)


class _UnstoredSink:
    """Storing and notifying for turns without rows: no answer row, no tool calls, no sidebar entry."""

    __slots__ = ()

    records_tokens: ClassVar[bool] = False
    allows_tools: ClassVar[bool] = False

    async def save_sources(self, passages: Sequence[NumberedPassage]) -> None:
        """Store nothing: there is no answer row."""

    async def save_calls(self, calls: Iterable[ToolCallRecord]) -> None:
        """Store nothing: there is no answer row."""

    async def notify(self) -> None:
        """Notify nobody: no sidebar lists the conversation."""


@dataclass(frozen=True, slots=True, eq=False)
class ListenerSink(_UnstoredSink):
    """Sink with one listener, which reads the queue `events`; None is put after the last event."""

    events: asyncio.Queue[Event | None] = field(default_factory=asyncio.Queue)

    async def emit(self, event: Event) -> None:
        """Queue the event.

        Raise EngineUnavailable instead of waiting for the model server: the client decides about retries.
        """
        if isinstance(event, Waiting):
            raise EngineUnavailable(_AWAY)
        self.events.put_nowait(event)


@dataclass(frozen=True, slots=True, eq=False)
class DraftSink(_UnstoredSink):
    """Sink of a turn that nobody follows, such as the prefetch of a draft."""

    async def emit(self, event: Event) -> None:
        """Drop the event. Raise EngineUnavailable instead of waiting for the model server."""
        if isinstance(event, Waiting):
            raise EngineUnavailable(_AWAY)


@dataclass(slots=True, eq=False)
class TemporarySink(_UnstoredSink):
    """Sink that writes to the log of a temporary chat. `rewrite_links` gives sources links that need no rows."""

    log: TurnLog
    turn: str  # id of the answer
    rewrite_links: Callable[[Event], Event] = lambda event: event

    async def emit(self, event: Event) -> None:
        """Append the event to the log of the chat."""
        await self.log.append(self.turn, encode_event(self.rewrite_links(event), turn=self.turn))
