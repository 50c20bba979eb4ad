"""Receiver of what a running turn says and finds: `TurnSink`. Implementations stand in `turns/sinks.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from apps.conversations.core.events import Event
from apps.conversations.core.numbered_sources import NumberedPassage

if TYPE_CHECKING:
    from apps.conversations.core.tool_calls import ToolCallRecord


class TurnSink(Protocol):
    """Receiver of the events and of the findings of one turn. All calls come from the tasks of that turn."""

    records_tokens: ClassVar[bool]  # token probabilities are recorded
    allows_tools: ClassVar[bool]  # the model may call tools: the user sees the cards and can approve

    async def emit(self, event: Event) -> None:
        """Pass the event on. Raise EngineError if the receiver is unreachable."""

    async def save_sources(self, passages: Sequence[NumberedPassage]) -> None:
        """Store the numbered passages as sources of the answer."""

    async def save_calls(self, calls: Iterable[ToolCallRecord]) -> None:
        """Store the tool calls in their present state with the answer."""

    async def notify(self) -> None:
        """Notify the user's other pages that the conversation changed."""
