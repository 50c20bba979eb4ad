"""Parser of server-sent events in the chunks of a response."""

from __future__ import annotations

from collections.abc import Iterator

from apps.engines.types import EngineBroken

MAX_EVENT_BYTES = 1024 * 1024  # a token with its alternatives takes some hundred bytes


class EventReader:
    """Incremental parser; chunks may be split anywhere. Yields the `data` of each complete event."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data of the events that `chunk` completes. Raise EngineBroken for a line above MAX_EVENT_BYTES or
        one that belongs to no event."""
        lines = (self._rest + chunk if self._rest else chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_EVENT_BYTES:
            raise EngineBroken("The model server sent something that is no answer.")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
            elif line and line.strip() and not line.startswith((b":", b"event:", b"id:", b"retry:")):
                raise EngineBroken("The model server sent something that is no answer.")
