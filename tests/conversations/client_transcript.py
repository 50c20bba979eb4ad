"""Model of a client that applies the events of a turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(slots=True)
class ClientTranscript:
    """Text blocks and events as a page has them."""

    blocks: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def apply(self, data: bytes) -> None:
        """Apply one encoded event."""
        event = orjson.loads(data)
        self.events.append(event)
        if event["type"] == "text":
            while len(self.blocks) <= event["block"]:
                self.blocks.append("")
            self.blocks[event["block"]] = self.blocks[event["block"]][: event["keep"]] + event["html"]
