"""Model server that answers with exactly the bytes that a test scripted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

Play = Callable[["Server", asyncio.StreamWriter], Awaitable[None]]
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(text: str | None = None, reason: str | None = None, **more: Any) -> bytes:
    """Return a server-sent event of a chat stream."""
    delta = {} if text is None else {"content": text}
    return b"data: " + orjson.dumps({"choices": [{"delta": delta, "finish_reason": reason}]} | more) + b"\n\n"


def answer(status: int, value: Any, *headers: str) -> Play:
    """Return a play that sends a whole response."""
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    head = "\r\n".join([f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers])

    async def play(server: Server, writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + b"\r\n\r\n" + body)

    return play


def stream(*parts: bytes | float, end: bool = True) -> Play:
    """Return a play that streams: bytes are sent as one chunk, numbers are seconds of silence. `end` False breaks the
    connection."""

    async def play(server: Server, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)
        for part in parts:
            await writer.drain()
            if isinstance(part, bytes):
                writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            else:
                await asyncio.sleep(part)
        if end:
            writer.write(b"0\r\n\r\n")
        else:
            writer.close()

    return play


DONE = b"data: [DONE]\n\n"


@dataclass
class Server:
    """Scripted server with a record of its requests."""

    plays: list[Play] = field(default_factory=list)  # one per chat request; the last one is repeated
    models: list[dict[str, Any]] = field(
        default_factory=lambda: [{"id": "test-7B", "owned_by": "vllm", "max_model_len": 999}]
    )
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)  # path, headers, JSON
    connections: int = 0
    dropped: int = 0
    url: str = ""

    @property
    def chats(self) -> list[Any]:
        """Bodies of the chat requests."""
        return [body for path, _, body in self.requests if path.endswith("/chat/completions")]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().strip().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                path = first.split()[1]
                self.requests.append((path, headers, orjson.loads(body) if body else None))
                await self._play(path, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _play(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if path.endswith("/models"):
            await answer(200, {"data": self.models})(self, writer)
            return
        play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
        playing = asyncio.create_task(play(self, writer))  # type: ignore[arg-type]
        gone = asyncio.create_task(reader.read(1))
        await asyncio.wait({playing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            self.dropped += 1
            playing.cancel()
        gone.cancel()
        await asyncio.wait({playing, gone})


@asynccontextmanager
async def serving(*plays: Play) -> AsyncIterator[Server]:
    """Yield a running server that plays these answers in order."""
    server = Server(list(plays))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listener.close()
