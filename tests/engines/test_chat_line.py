"""The line to a model server: HTTP as servers and what stands before them speak it, cut anywhere."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from apps.engines.base import EngineRefused
from apps.engines.chat import line as lines
from apps.engines.chat.line import Line
from apps.engines.chat.openai import OpenAIChat
from apps.engines.chat.server import Server

SAID = b"word " * 40
CHUNKED = b"".join(b"%x\r\n%b\r\n" % (5, SAID[at : at + 5]) for at in range(0, len(SAID), 5)) + b"0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
LONG = HEAD + b"Content-Length: 200\r\n\r\n" + SAID

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


def now() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def listening(serve: Serve, **headers: str) -> AsyncIterator[Server]:
    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server = Server(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1", headers, 3)
    try:
        yield server
    finally:
        server.close()
        listener.close()


@asynccontextmanager
async def saying(*answers: bytes, pause: float = 0.0, step: int = 10**6, ends: bool = True) -> AsyncIterator[Server]:
    """One answer a connection, so many bytes at a time."""
    rest = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = rest.pop(0) if len(rest) > 1 else rest[0]
        await reader.readuntil(b"\r\n\r\n")
        for at in range(0, len(answer), step):
            writer.write(answer[at : at + step])
            await writer.drain()
            await asyncio.sleep(pause)
        if ends:
            writer.close()

    async with listening(serve) as server:
        yield server


async def whole(server: Server, seconds: float = 60) -> tuple[Line, bytes]:
    line = await server.ask("GET", "/x", now() + seconds)
    try:
        body = b""
        while piece := await line.read(now() + seconds):
            body += piece
    finally:
        server.give(line)
    return line, body


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize(
    "answer",
    [
        LONG,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
        HEAD + b"\r\n" + SAID,  # as long as the connection
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + LONG,
        b"HTTP/1.0 200 OK\r\ncontent-type:text/event-stream\r\n\r\n" + SAID,
    ],
    ids=["length", "chunks", "until closed", "hints before", "old"],
)
async def test_a_body_is_read_however_it_is_measured_and_cut(answer: bytes, step: int) -> None:
    async with saying(answer, step=step) as server:
        line, body = await whole(server)
    assert (line.status, line.kind, body) == (200, "text/event-stream", SAID)


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example ESMTP\r\n",
        HEAD + b"Content-Length: 300\r\n\r\n" + SAID,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED[:-5],
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        HEAD + b"X: " + b"x" * (lines._MOST_HEAD + 1),
        HEAD,
        b"",
    ],
)
async def test_what_is_no_whole_answer_is_an_error_of_the_connection(answer: bytes) -> None:
    async with saying(answer) as server:
        with pytest.raises(OSError) as caught:
            await whole(server)
    assert not isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize("answer", [b"", HEAD, LONG[:-1]])
async def test_a_server_that_falls_silent_is_waited_for_until_the_limit(answer: bytes) -> None:
    async with saying(answer, ends=False) as server:
        began = now()
        with pytest.raises(TimeoutError):
            await whole(server, 0.1)
        assert 0.09 <= now() - began < 1


async def test_the_limit_is_that_of_each_read_though_one_timer_watches_all() -> None:
    async with saying(HEAD + b"Content-Length: 200\r\n\r\n" + SAID, pause=0.02, step=20, ends=False) as server:
        _, body = await whole(server, 0.15)
    assert body == SAID


async def test_what_nobody_reads_stays_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_MOST_WAITING", 10_000)
    most, sent = 64 * 1024 * 1024, [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % most)
        while sent[0] < most:
            writer.write(bytes(65_536))
            await writer.drain()
            sent[0] += 65_536
        writer.close()

    async with listening(serve) as server:
        line = await server.ask("GET", "/x", now() + 60)
        await asyncio.sleep(0.3)
        assert sent[0] < most / 2
        got = 0
        while piece := await line.read(now() + 60):
            got += len(piece)
        server.give(line)
    assert got == most


class Keeping:
    """Answers request after request on a connection; `speaks` is said after each, unasked."""

    def __init__(self, speaks: bytes = b"", head: bytes = b"") -> None:
        self.connections, self.speaks, self.head = 0, speaks, head
        self.asked: list[bytes] = []
        self.spoken = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                self.asked.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(HEAD + self.head + LONG[len(HEAD) :])
                if self.speaks:
                    await asyncio.sleep(0.02)
                    writer.write(self.speaks)
                    self.spoken.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass


async def test_a_line_is_used_again_unless_the_server_or_time_is_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, closing = Keeping(), Keeping(head=b"Connection: close\r\n")
    async with listening(kept.serve) as server:
        for _ in range(3):
            assert (await whole(server))[1] == SAID
        assert kept.connections == 1
        monkeypatch.setattr("apps.engines.chat.server._KEEP_ALIVE_S", 0.05)
        server.close()
        server._kept.clear()
        await whole(server)
        await asyncio.sleep(0.15)
        await whole(server)
        assert kept.connections == 3
    async with listening(closing.serve) as server:
        await whole(server)
        await whole(server)
    assert closing.connections == 2


async def test_a_line_that_died_while_nobody_used_it_costs_nothing_but_a_new_one() -> None:
    kept = Keeping()
    async with listening(kept.serve) as server:
        await whole(server)
        kept.writers[0].transport.abort()
        assert (await whole(server))[1] == SAID
    assert kept.connections == 2


async def test_what_was_said_unasked_is_never_taken_for_an_answer() -> None:
    kept = Keeping(speaks=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
    async with listening(kept.serve) as server:
        await whole(server)
        await asyncio.wait_for(kept.spoken.wait(), 60)
        await asyncio.sleep(0.1)  # until this side has it
        assert (await whole(server))[1] == SAID
    assert kept.connections == 2


async def test_an_answer_that_is_not_read_to_its_end_is_dropped_with_its_line() -> None:
    async with saying(LONG, step=50, pause=0.2) as server:
        line = await server.ask("GET", "/x", now() + 60)
        assert await line.read(now() + 60) or not line.ended
        server.give(line)
        assert not line.open and server._of_loop().take() is None


async def test_what_comes_together_with_the_end_of_an_answer_is_no_part_of_it() -> None:
    async with saying(LONG + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother", ends=False) as server:
        line, body = await whole(server)
        assert (body, line.open, server._of_loop().take()) == (SAID, False, None)


async def test_a_line_whose_answer_waits_unread_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_MOST_WAITING", 10)
    kept = Keeping()
    async with listening(kept.serve) as server:
        server.give(await server.ask("GET", "/x", now() + 60))
        assert (await whole(server))[1] == SAID
    assert kept.connections == 2


async def test_an_address_of_a_host_that_swallows_everything_keeps_nobody_from_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As IPv6 does where a network speaks it to its own border only."""
    kept, loop = Keeping(), asyncio.get_running_loop()
    connect = loop.sock_connect

    async def connecting(sock: socket.socket, address: tuple[str, int]) -> None:
        await (asyncio.sleep(60) if address[0] == "127.0.0.2" else connect(sock, address))

    async with listening(kept.serve) as server:
        port = server._port
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(loop, "getaddrinfo", lambda *_, **__: asyncio.sleep(0, found))
        monkeypatch.setattr(loop, "sock_connect", connecting)
        both = Server(f"http://model.example:{port}/v1", {}, 3)
        began = now()
        assert (await whole(both))[1] == SAID and now() - began < 30
        both.close()


@pytest.mark.parametrize(
    "url",
    ["", "model", "ftp://127.0.0.1", "http:///v1", "http://h:99999", "http://h:a", "http://[::1", "http://a..b",
     f"http://{'a' * 70}.example"],
)  # fmt: skip
async def test_an_address_that_is_none_is_an_error_of_the_connection(url: str) -> None:
    with pytest.raises(OSError, match="no address"):
        await Server(url, {}, 1).ask("GET", "/x", now() + 1)


async def test_a_key_that_no_header_may_hold_is_told_as_one_that_is_refused() -> None:
    chat = OpenAIChat(url="http://127.0.0.1:9/v1", model="m", api_key="a\nb")
    with pytest.raises(EngineRefused, match="key"):
        await chat.info()


async def test_a_request_says_where_it_goes_and_who_asks() -> None:
    kept = Keeping()
    async with listening(kept.serve, User_Agent="openbook") as server:
        await whole(server)
        port = server._port
        other = Server(f"http://me:s%40y@127.0.0.1:{port}/a b/", {}, 3)
        await whole(other)
        other.close()
        with pytest.raises(ValueError, match="no header"):
            await Server(f"http://127.0.0.1:{port}", {"Authorization": "Bearer a\r\nX: y"}, 3).ask(
                "GET", "/", now() + 1
            )
    first, second = (asked.decode().split("\r\n") for asked in kept.asked)
    assert first[:3] == ["GET /v1/x HTTP/1.1", f"Host: 127.0.0.1:{port}", "User-Agent: openbook"]
    assert second[0] == "GET /a%20b/x HTTP/1.1" and "Authorization: Basic bWU6c0B5" in second


def test_names_of_hosts_are_said_as_the_net_knows_them() -> None:
    known = [Server(url, {}, 1)._headers["Host"] for url in ("http://bücher.example/v1", "https://[::1]:8443/v1")]
    assert known == ["xn--bcher-kva.example", "[::1]:8443"]
