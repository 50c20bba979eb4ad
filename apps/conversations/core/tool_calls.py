"""Record of a tool call, as the card shows it and the answer row stores it. `tools.executor` makes the calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolCallRecord:
    """Tool call in its present state, as the card shows it and the answer row stores it."""

    id: str  # "1", "2" … within the answer
    tool: str
    title: str
    arguments: dict[str, Any]
    status: str = "running"  # asking | running | done | failed | refused
    message: str = ""  # progress, or the reason for having no result
    text: str = ""  # result text, cut for the card
    data: dict[str, Any] = field(default_factory=dict)
    sources: tuple[int, ...] = ()  # source numbers of its passages
    template: str = ""
    ms: float | None = None
    by_user: bool = False  # called by the user; later prompts repeat its result
