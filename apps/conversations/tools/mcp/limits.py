"""How much an MCP server may say at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

MAX_BYTES = 2 * 1024**2  # of one response of a server on the web, and of the text of a result
TIMEOUT_S = 30.0  # of a call, or of a look at what a server offers, from the first byte to the last


@dataclass(slots=True)
class SizeExceeded:
    """Whether a server has said more than it may, in one session; who waits for it is woken at once."""

    event: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def happened(self) -> bool:
        return self.event.is_set()

    def happens(self) -> None:
        self.event.set()
