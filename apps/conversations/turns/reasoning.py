"""Separate a model's reasoning from its answer, and stream it through the gate. Entry point: `emit_reasoning`.

Reasoning is stored in the trace of the answer (`turns/trace.py`). It is not verified, cited, repeated to the model in
later turns, shared or exported.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from apps.conversations.core.events import Reasoning
from apps.conversations.turns import prompt
from apps.engines import registry
from apps.safety.gate import gate

if TYPE_CHECKING:
    from apps.conversations.core.turn_input import TurnInput
    from apps.conversations.turns.state import Turn

REASONING_TOKENS = 2048  # tokens for reasoning, besides those of the answer


def get_max_tokens(prepared: TurnInput, answer_tokens: int = prompt.MAX_ANSWER_TOKENS) -> int:
    """Return the token limit of the answer and, of a model that reasons, of its reasoning.

    `answer_tokens` is the limit of the answer that follows from the model (`reading_budget`).
    """
    model = registry.get_chat_model(prepared.model)
    reasons = model is not None and model.supports_reasoning
    return prepared.sampling.get_max_tokens(answer_tokens + (REASONING_TOKENS if reasons else 0))


@dataclass(frozen=True, slots=True)
class ReasoningPiece:
    """Piece of streamed reasoning, as opposed to answer text."""

    text: str


class ReasoningSplitter:
    """Split a model's stream into reasoning before the answer, the answer, and reasoning within it.

    The generators must be read in that order.
    """

    def __init__(self, source: AsyncIterator[str | ReasoningPiece]) -> None:
        self._source = source
        self._first: str | ReasoningPiece | None = None
        self._late: list[str] = []

    async def starts_with_reasoning(self) -> bool:
        """Return whether the stream begins with reasoning. Call first."""
        self._first = await anext(self._source, None)
        return isinstance(self._first, ReasoningPiece)

    async def iter_reasoning(self) -> AsyncGenerator[str, None]:
        """Yield the reasoning before the first word of the answer."""
        while isinstance(item := self._first, ReasoningPiece):
            yield item.text
            self._first = await anext(self._source, None)

    async def iter_text(self) -> AsyncGenerator[str, None]:
        """Yield the text of the answer."""
        if isinstance(self._first, str):
            yield self._first
        async for item in self._source:
            if isinstance(item, str):
                yield item
            else:
                self._late.append(item.text)

    async def iter_late_reasoning(self) -> AsyncGenerator[str, None]:
        """Yield the reasoning that came within the answer, after `text` is exhausted."""
        for text in self._late:
            yield text


async def emit_reasoning(turn: Turn, thoughts: AsyncGenerator[str, None], shown: Awaitable[None]) -> None:
    """Stream the reasoning to the page, each piece approved by the gate, once `shown` is done. Raise Withheld."""
    began = 0.0
    async with aclosing(gate.moderate_stream(thoughts, turn.findings.record, level=turn.strictness)) as pieces:
        async for piece in pieces:
            await shown
            if not began:
                began = time.perf_counter()
                piece = f"\n\n{piece}" if turn.answer.reasoning else piece  # reasoning of a later tool round
                await turn.emit_step("think", gettext("Thinking"))
            await turn.emit(Reasoning(len(turn.answer.reasoning), piece))
            turn.answer.add_reasoning(piece)
    if began:
        took = turn.progress.timings.get("thinking", 0.0) + (time.perf_counter() - began) * 1000
        turn.progress.record_times(thinking=took)
        await turn.emit_step("think", gettext("Thought before answering"), took)
