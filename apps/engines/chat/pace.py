"""How often an answer is read while many are written at once: the more there are, the more words come with each look.

Every look costs the same, whether it finds one word or five: a wake-up, a system call, the frames of HTTP around what
came. With few answers a reader waits for each word; with two hundred it looks five times a second, and what came in
between waits in the system's buffer. Nobody sees that: what is shown goes by sentences, or by what came in 400 ms.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp

_PER_STREAM_S = 0.001  # of rest between two looks, for each answer that is being written
_LEAST_S, _MOST_S = 0.02, 0.2  # shorter rests save nothing; longer ones would be seen


class Pace:
    """Of all the streams of one engine. One `Rest` for each stream."""

    def __init__(self) -> None:
        self.streams = 0

    @property
    def rest_s(self) -> float:
        """Seconds between two looks at a stream; 0 where each word is read when it comes."""
        rest = min(self.streams * _PER_STREAM_S, _MOST_S)
        return rest if rest >= _LEAST_S else 0.0


class Rest:
    """Between two looks at one response."""

    def __init__(self, pace: Pace, response: aiohttp.ClientResponse) -> None:
        self._pace = pace
        self._response = response
        self._since = 0.0  # when the last rest was over

    def __enter__(self) -> Rest:
        self._pace.streams += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._pace.streams -= 1

    async def taken(self) -> None:
        """Returns when it is time to look again. A stream that writes slower than that is not kept waiting."""
        rest, now = self._pace.rest_s, time.monotonic()
        connection = self._response.connection
        transport = connection.transport if connection is not None else None
        if not rest or transport is None or now - self._since > rest:
            self._since = now
            return
        transport.pause_reading()
        try:
            await asyncio.sleep(rest)
        finally:
            self._since = time.monotonic()
            if not transport.is_closing():
                transport.resume_reading()
