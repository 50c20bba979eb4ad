"""HTTP/1.1 as far as a stream of words needs it: one request at a time on a line, whose answer is read as it comes.

A server that streams sends a chunk for each word. A general client takes each apart, with a look at its buffers and at
its flow control, which was most of what a word cost. Here all that came is parsed at once, and waits in a list until
somebody reads: no redirects, no cookies, no proxies, no compression.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import cast

import httptools

_MOST_HEAD = 64 * 1024  # bytes of an answer's head
_MOST_WAITING = 256 * 1024  # bytes that nobody has read yet; then the server waits
_AT_ONCE = 64 * 1024  # bytes of one look at a line that rests


class Line(asyncio.Protocol):
    """One connection. `status`, `kind` and what `read` gives are those of the answer to the last `ask`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._came: list[bytes] = []
        self.on_body = self._came.append  # called for every word: without a frame of its own
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._rings = 0.0  # when whoever waits has waited long enough, and when the timer looks
        self._error: OSError | None = None
        self._resting = self._full = False
        self._handle = -1  # of the system, where what it holds may be read past the transport
        self._begin()

    async def ask(self, request: bytes, by: float) -> None:
        """Sends the request and returns with the head of the answer. Raises OSError, TimeoutError after `by` (seconds
        of the loop's clock)."""
        self._begin()
        if self._transport is not None:
            self._transport.write(request)
        while not self._headed:
            await self._more(by)

    async def read(self, by: float) -> bytes:
        """What has come of the body and was not read yet, at least a byte; none at its end. Raises as `ask` does."""
        while not self._came and not self.ended:
            await self._more(by)
        came = b"".join(self._came)
        self._came.clear()
        self._waiting = 0
        if self._full:
            self._full = False
            self._flow()
        return came

    def rest(self, *, resting: bool) -> None:
        """While it rests, what comes stays in the system's buffer, and wakes nobody."""
        if resting != self._resting:
            self._resting = resting
            self._flow()

    def look(self) -> None:
        """What has come while it rested is there, and it rests on; where nothing has, it rests no more. Read past the
        transport: listening for what is there already would take the loop another round, and three system calls."""
        if not self._looked():
            self.rest(resting=False)

    @property
    def open(self) -> bool:
        """Whether there is still somebody at its other end."""
        return self._error is None and self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: the answer is over and read, and the server keeps the connection."""
        return self.ended and not self._came and self._keeps and self.open

    @property
    def silent(self) -> bool:
        """Whether not a byte of an answer has come."""
        return not self._size

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def _begin(self) -> None:
        self.status, self.kind, self.encoding = 0, "", ""
        self.ended = self._headed = self._keeps = False
        self._measured = False  # the head says how long the body is; otherwise it lasts as long as the connection
        self._size = self._waiting = 0
        self._came.clear()

    async def _more(self, by: float) -> None:
        """Returns when something has come."""
        if self._error is not None:
            raise self._error
        self._due = by
        if self._timer is None or by < self._rings:
            self._watch()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _watch(self) -> None:
        """One timer looks from time to time: one for each read would cost as much as the read."""
        if self._timer is not None:
            self._timer.cancel()
        self._rings = self._due
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._due:
            self._watch()
        else:
            self._waiter.set_exception(TimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _flow(self) -> None:
        """Reads from the system or not."""
        if self.open and self._transport is not None:
            if self._resting or self._full:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _looked(self) -> bool:
        """Whether something was there."""
        if self._handle < 0 or self._full or not self.open:
            return False
        try:
            data = os.read(self._handle, _AT_ONCE)
        except BlockingIOError:
            return False
        except OSError as error:
            self._break(error)
            self.close()
            return True
        if data:
            self.data_received(data)
        return bool(data)  # an end is the transport's to find

    def _break(self, error: OSError) -> None:
        self._error = self._error or error
        self._wake()

    # Called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        own = transport.get_extra_info("socket")
        # What is encrypted only the transport reads, and on Windows it has asked for the next bytes already.
        if own is not None and transport.get_extra_info("sslcontext") is None and sys.platform != "win32":
            self._handle = own.fileno()

    def data_received(self, data: bytes) -> None:
        if self.ended:  # nothing was asked: it would be taken for the answer to what is asked next
            self._break(ConnectionError("The server speaks unasked."))
            self.close()
            return
        self._size += len(data)
        self._waiting += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._break(ConnectionError("What came is not HTTP."))
        if not self._headed and self._size > _MOST_HEAD:
            self._break(ConnectionError("The head of the answer does not end."))
        if self._error is not None:
            self.close()
        elif self._came or self._headed:
            if self._waiting > _MOST_WAITING and not self._full:
                self._full = True
                self._flow()
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._headed and not self._measured and exc is None and self._error is None:
            self.ended = True
        if not self.ended:
            self._break(exc if isinstance(exc, OSError) else ConnectionResetError("The connection was lost."))
        self._transport = None
        self._wake()

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self.ended:  # it came together with the end of the answer, whose body it must not lengthen
            raise ConnectionError("The server speaks unasked.")

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"content-type":
                self.kind = value.decode("latin-1")
            case b"content-encoding":
                self.encoding = value.decode("latin-1")
            case b"content-length" | b"transfer-encoding":
                self._measured = True

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._headed = self.status >= 200  # one below says that the answer is still to come
        self._keeps = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        self.ended = self._headed


class Kept:
    """Lines that wait for their next request, each for `keep_s` at most. All calls come from one event loop."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._idle: dict[Line, asyncio.TimerHandle] = {}

    def take(self) -> Line | None:
        """The one that was used last, if it is still there."""
        while self._idle:
            line, timer = self._idle.popitem()
            timer.cancel()
            if line.reusable:
                return line
            line.close()
        return None

    def give(self, line: Line) -> None:
        """Whoever has read the answer needs the line no more; one that cannot be used again is closed."""
        if not line.reusable:
            line.close()
            return
        self._idle[line] = asyncio.get_running_loop().call_later(self._keep_s, self._drop, line)

    def close(self) -> None:
        for line in list(self._idle):
            self._drop(line)

    def _drop(self, line: Line) -> None:
        if (timer := self._idle.pop(line, None)) is not None:
            timer.cancel()
            line.close()
