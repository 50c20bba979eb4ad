"""Output of the model for a running answer: `ModelOutput` as sent, `AnswerText` as approved by the gate.

Both are changed by their own methods only, in the tasks of their turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, field

from apps.conversations.rendering.answer_renderer import StreamRenderer
from apps.conversations.turns.repetition import RepetitionDetector
from apps.engines.types import ChatRequest, Delta, Finish, TokenProb, ToolCall, Usage
from apps.lib.concurrency.threads import in_pool


@dataclass(slots=True, eq=False)
class ModelOutput:
    """Output of the model server for one turn, over all its requests."""

    has_begun: bool = False  # the model has written something of the answer
    finish_reason: str = ""  # of the latest request
    usage: Usage | None = None  # of all finished requests, as counted by the server
    requested_calls: tuple[ToolCall, ...] = ()  # calls that the model asks for
    tokens: list[TokenProb] = field(default_factory=list)
    request: ChatRequest | None = None  # the latest that was sent
    _count_partial: Callable[[], Usage | None] | None = None  # counts the tokens of a stream that was cut off

    def begin_request(self, request: ChatRequest, count_partial: Callable[[], Usage | None]) -> None:
        """Note that a request was sent. `count_partial` counts its tokens if its stream is cut off."""
        self.request, self._count_partial = request, count_partial

    def add_delta(self, delta: Delta) -> bool:
        """Add what arrived. Return whether it is the first text or reasoning."""
        self.tokens += delta.logprobs
        begins = not self.has_begun and bool(delta.text or delta.reasoning)
        self.has_begun = self.has_begun or begins
        return begins

    def finish_request(self, finish: Finish) -> None:
        """Take over how the request ended."""
        self.usage = add_usage(self.usage, finish.usage)
        self.finish_reason, self.requested_calls = finish.reason, finish.calls
        self._count_partial = None

    def cut_off(self, reason: str) -> None:
        """Note why the stream was ended before the model had finished."""
        self.finish_reason = reason

    def take_calls(self) -> tuple[ToolCall, ...]:
        """Return the calls that the model asks for, and forget them."""
        requested, self.requested_calls = self.requested_calls, ()
        return requested

    def begin_answer(self) -> None:
        """Forget how requests for notes ended: the answer itself has not begun. Their usage is kept."""
        self.has_begun, self.finish_reason, self.requested_calls = False, "", ()

    async def count_usage(self) -> Usage | None:
        """Return the tokens as the server counted them; None if the model was not asked.

        Tokens of a stream that was cut off are counted from its texts.
        """
        return self.usage if self._count_partial is None else add_usage(self.usage, await in_pool(self._count_partial))


@dataclass(slots=True, eq=False)
class AnswerText:
    """Text and reasoning of one answer, approved by the gate, exactly as the model wrote them."""

    renderer: StreamRenderer = field(default_factory=StreamRenderer)
    repetition: RepetitionDetector = field(default_factory=RepetitionDetector)
    text: str = ""
    piece_count: int = 0  # number of pieces of the text
    reasoning: str = ""

    def add_text(self, piece: str) -> None:
        """Append an approved piece to the text."""
        self.text += piece
        self.piece_count += 1

    def add_reasoning(self, piece: str) -> None:
        """Append an approved piece to the reasoning."""
        self.reasoning += piece


def add_usage(one: Usage | None, other: Usage | None) -> Usage | None:
    """Return the sum of two token usages; None counts as nothing."""
    if one is None or other is None:
        return one or other
    return Usage(*map(sum, zip(astuple(one), astuple(other), strict=True)))
