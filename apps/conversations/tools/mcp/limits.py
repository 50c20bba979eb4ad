"""Limits of responses of MCP servers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

MAX_BYTES = 2 * 1024**2  # of one HTTP response, and of the text of a result
TIMEOUT_S = 30.0  # seconds of a session: a call, or a listing of tools


@dataclass(slots=True)
class SizeExceeded:
    """Flag of one session: the server has sent more than allowed. `event` wakes the task that waits for it."""

    event: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def happened(self) -> bool:
        """Return whether the size was exceeded."""
        return self.event.is_set()

    def happens(self) -> None:
        """Set the flag."""
        self.event.set()
