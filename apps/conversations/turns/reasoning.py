"""What a model thinks before it answers: heard apart, gated and shown like its answer, and never a part of it.

Thoughts are kept in the record of the answer (`trace.py`). They are not verified, not cited, not repeated to the model
in later turns, and left out where an answer is shared or taken away as a text.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from apps.conversations.core.events import Thought as Shown
from apps.conversations.moderation import findings
from apps.engines import registry
from apps.safety.gate import gate

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn

REASONING_TOKENS = 2048  # tokens that a model which reasons may have for it, beside its answer


def get_reasoning_budget(model: str) -> int:
    """Tokens that it may have for its thoughts."""
    known = registry.get_chat_model(model)
    return REASONING_TOKENS if known is not None and known.reasons else 0


@dataclass(frozen=True, slots=True)
class ReasoningPiece:
    text: str


class ReasoningSplitter:
    """The stream of a model, parted: thoughts before the answer, the answer, and thoughts that came within it."""

    def __init__(self, source: AsyncIterator[str | ReasoningPiece]) -> None:
        self._source = source
        self._first: str | ReasoningPiece | None = None
        self._late: list[str] = []

    async def thinks(self) -> bool:
        """Whether it begins with thoughts."""
        self._first = await anext(self._source, None)
        return isinstance(self._first, ReasoningPiece)

    async def thoughts(self) -> AsyncGenerator[str, None]:
        """Up to the first word of the answer."""
        while isinstance(item := self._first, ReasoningPiece):
            yield item.text
            self._first = await anext(self._source, None)

    async def text(self) -> AsyncGenerator[str, None]:
        """The answer."""
        if isinstance(self._first, str):
            yield self._first
        async for item in self._source:
            if isinstance(item, str):
                yield item
            else:
                self._late.append(item.text)

    async def late(self) -> AsyncGenerator[str, None]:
        """What it thought after it had begun to answer."""
        for text in self._late:
            yield text


async def emit_reasoning(turn: Turn, thoughts: AsyncGenerator[str, None], shown: Awaitable[None]) -> None:
    """The thoughts are on the page as they come, each piece approved, once `shown` is done. Raises Withheld."""
    began = 0.0
    async with aclosing(
        gate.moderate_stream(thoughts, partial(findings.record_finding, turn), level=turn.level)
    ) as pieces:
        async for piece in pieces:
            await shown
            if not began:
                began = time.perf_counter()
                piece = f"\n\n{piece}" if turn.thoughts else piece  # of a further round
                await turn.step("think", gettext("Thinking"))
            await turn.say(Shown(len(turn.thoughts), piece))
            turn.thoughts += piece
    if began:
        turn.timings["thinking"] = turn.timings.get("thinking", 0.0) + (time.perf_counter() - began) * 1000
        await turn.step("think", gettext("Thought first"), turn.timings["thinking"])
