"""Tool calls of a running answer: their cards, and what was called before. Entry point: `RunningCalls`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.conversations.core import events
from apps.conversations.core.tool_calls import ToolCallRecord, ToolCallStatus
from apps.conversations.tools.call_cards import mark_cancelled, render_card
from apps.engines import registry

if TYPE_CHECKING:
    from apps.conversations.core.turn_input import TurnInput
    from apps.conversations.core.turn_sink import TurnSink
    from apps.conversations.evidence.running_sources import RunningSources
    from apps.conversations.moderation.findings import Findings
    from apps.engines.types import ChatEngine, ToolCall


@dataclass(slots=True, eq=False)
class RunningCalls:
    """Tool calls of one running answer. Changed by its own methods only, in the tasks of its turn."""

    input: TurnInput
    sink: TurnSink
    findings: Findings  # gets the verdicts on arguments and results
    sources: RunningSources  # gets the passages that tools find
    records: dict[str, ToolCallRecord] = field(default_factory=dict)  # by id, in order, in their present state
    asking_ms: float = 0.0  # milliseconds that the user took to approve or refuse calls
    round_count: int = 0  # rounds of calls by the model
    _seen: set[tuple[str, str]] = field(default_factory=set)  # (name, arguments) as the model wrote them

    @property
    def chat(self) -> ChatEngine:
        """Return the engine of the model that writes. Raise EngineRefused if the model was removed meanwhile."""
        return registry.get_chat_engine(self.input.model)

    @property
    def text_results(self) -> list[ToolCallRecord]:
        """Return the finished calls that gave text and no passages."""
        return [call for call in self.records.values() if call.status == ToolCallStatus.DONE and not call.sources]

    def begin_round(self) -> int:
        """Count a further round of calls by the model; return its number, from 1."""
        self.round_count += 1
        return self.round_count

    def is_repeated(self, call: ToolCall) -> bool:
        """Return whether the model asked for the same call before; it counts as asked from now on."""
        key = call.name, call.arguments
        known = key in self._seen
        self._seen.add(key)
        return known

    def add_asking_time(self, ms: float) -> None:
        """Add milliseconds in which the user was asked for approval."""
        self.asking_ms += ms

    async def update(self, record: ToolCallRecord) -> None:
        """Record the call in its present state and emit its card."""
        self.records[record.id] = record
        await self.sink.emit(events.Tool(record.id, render_card(self.input.answer_id, record)))

    async def store(self) -> None:
        """Store the calls in their present state with the answer."""
        await self.sink.save_calls(self.records.values())

    async def cancel_open(self) -> None:
        """Mark the cards of calls that still run or ask as cancelled, because the answer has ended."""
        for record in list(self.records.values()):
            if record.status.is_open:
                await self.update(mark_cancelled(record))
