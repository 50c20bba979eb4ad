"""Record of a tool call, as the card shows it and the answer row stores it. `tools.executor` makes the calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ToolCallStatus(StrEnum):
    """State of a tool call; the values stand in answer rows, exports and cards."""

    ASKING = "asking"  # waits for the approval of the user
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"  # not made, or cancelled because the answer ended

    @property
    def is_open(self) -> bool:
        """Return whether the call has not ended."""
        return self in (ToolCallStatus.ASKING, ToolCallStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class ToolCallRecord:
    """Tool call in its present state, as the card shows it and the answer row stores it."""

    id: str  # "1", "2" … within the answer
    tool: str
    title: str
    arguments: dict[str, Any]
    status: ToolCallStatus = ToolCallStatus.RUNNING
    message: str = ""  # progress, or the reason for having no result
    text: str = ""  # result text, cut for the card
    data: dict[str, Any] = field(default_factory=dict)
    sources: tuple[int, ...] = ()  # source numbers of its passages
    template: str = ""
    ms: float | None = None
    by_user: bool = False  # called by the user; later prompts repeat its result
