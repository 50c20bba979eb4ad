"""Steps and times of a running turn, shown while it runs. Entry point: `TurnProgress`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from apps.conversations.core.events import Step
from apps.conversations.core.turn_sink import TurnSink


@dataclass(slots=True, eq=False)
class TurnProgress:
    """Steps and times of one turn. Changed by its own methods only, in the tasks of the turn."""

    sink: TurnSink
    steps: dict[str, Step] = field(default_factory=dict)  # by name, in the order in which they began
    timings: dict[str, float] = field(default_factory=dict)  # milliseconds
    start_time: float = field(default_factory=time.perf_counter)

    @property
    def elapsed_ms(self) -> float:
        """Return the milliseconds since the turn began."""
        return (time.perf_counter() - self.start_time) * 1000

    async def emit_step(self, name: str, words: str, ms: float | None = None) -> None:
        """Emit a step with its duration in milliseconds; None while it is running."""
        step = Step(name, words, None if ms is None else round(ms, 1))
        self.steps[name] = step
        await self.sink.emit(step)

    def drop_step(self, name: str) -> None:
        """Leave the step out of what is stored; pages that show it keep it until they are reloaded."""
        self.steps.pop(name, None)

    def record_times(self, **times: float) -> None:
        """Record times in milliseconds by name, in place of earlier ones of the same name."""
        self.timings |= times
