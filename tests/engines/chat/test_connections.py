"""Tests of the connections to a model server: one per request, closed with its answer, for any address and key."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from apps.engines.chat.openai import OpenAIChat
from apps.engines.types import EngineRefused, EngineUnavailable
from tests.engines.chat.chat_requests import ASK, collect, text
from tests.engines.chat.scripted_server import DONE, event, serving, stream

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
SAID = event("Hello there.") + event(None, "stop") + DONE


@asynccontextmanager
async def saying(answer: bytes, *, after: bytes = b"", ends: bool = False) -> AsyncIterator[Saying]:
    server = Saying(answer, after, ends)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


class Saying:
    """Server with one answer to each request. `after` is sent unasked once the answer is over, or the connection is
    closed."""

    def __init__(self, answer: bytes, after: bytes, ends: bool) -> None:
        self.answer, self.after, self.ends = answer, after, ends
        self.port, self.writers, self.heads = 0, list[asyncio.StreamWriter](), list[str]()

    def chat(self, *, who: str = "", path: str = "/v1", **options: str) -> OpenAIChat:
        found = OpenAIChat(f"http://{who}127.0.0.1:{self.port}{path}", model="m", **options)  # type: ignore[arg-type]
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                if "/models" in head:
                    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"data":[{"id":"m"}]}')
                    continue
                length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length"))
                await reader.readexactly(int(length.partition(":")[2]))
                writer.write(self.answer)
                await writer.drain()
                if self.ends:
                    break
                if self.after:
                    await asyncio.sleep(0.02)
                    writer.write(self.after)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (HEAD + b"Content-Length: %d\r\n\r\n" % len(SAID) + SAID, False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(SAID), SAID), False),
        (HEAD + b"\r\n" + SAID, True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(SAID) + SAID, False),
        (b"HTTP/1.0 200 OK\r\ncontent-type:text/event-stream\r\n\r\n" + SAID, True),
    ],
    ids=["length", "chunks", "until closed", "hint before", "old"],
)
async def test_an_answer_is_read_however_it_is_measured(answer: bytes, ends: bool) -> None:
    async with saying(answer, ends=ends) as server:
        chat = server.chat()
        assert text(await collect(chat)) == "Hello there."
        await chat.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example ESMTP\r\n",
        HEAD + b"Content-Length: 300\r\n\r\n" + event("half"),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"X: " + b"x" * 100_000,
        HEAD,
        b"",
    ],
)
async def test_incomplete_response_counts_as_an_unavailable_server(answer: bytes) -> None:
    async with saying(answer, ends=True) as server:
        chat = server.chat()
        with pytest.raises(EngineUnavailable):
            await collect(chat)
        await chat.close()


async def test_unsolicited_response_is_never_taken_for_an_answer() -> None:
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(SAID) + SAID
    other = event("other") + DONE
    async with saying(whole, after=HEAD + b"Content-Length: %d\r\n\r\n" % len(other) + other) as server:
        chat = server.chat()
        for _ in range(3):
            assert text(await collect(chat)) == "Hello there."
            await asyncio.sleep(0.1)  # until this side has what came unasked
        await chat.close()
    assert len(server.writers) >= 3


async def test_an_answer_that_is_not_read_to_its_end_is_dropped_at_the_server() -> None:
    async with serving(stream(*[event("word ")] * 50, 30.0)) as server:
        chat = OpenAIChat(server.url)
        async with aclosing(chat.stream(ASK)) as items:
            await anext(items)
        async with asyncio.timeout(60):
            while not server.dropped:
                await asyncio.sleep(0.01)
        await chat.close()


async def test_unread_stream_data_stays_with_the_server() -> None:
    sent = 0

    async def play(_: object, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        part = b": %b\n\n" % (b"x" * 65_000)
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(part) + len(event("a")), part + event("a")))
            await writer.drain()
            sent += len(part)

    async with serving(play) as server:
        chat = OpenAIChat(server.url)
        async with aclosing(chat.stream(ASK)) as items:
            await anext(items)
            await asyncio.sleep(0.5)
            before = sent
            await asyncio.sleep(0.3)
            assert sent == before < 32 * 1024 * 1024
        await chat.close()


@pytest.mark.parametrize(
    "url",
    ["", "model", "ftp://127.0.0.1", "http:///v1", "http://h:99999", "http://h:a", "http://[::1", "http://a..b",
     f"http://{'a' * 70}.example"],
)  # fmt: skip
async def test_an_address_that_is_none_is_told_as_a_server_that_is_away(url: str) -> None:
    for key in ("", "key"):
        chat = OpenAIChat(url, api_key=key)
        with pytest.raises(EngineUnavailable, match="does not answer"):
            await chat.info()
        await chat.close()


async def test_a_key_that_no_header_may_hold_is_told_as_one_that_is_refused() -> None:
    chat = OpenAIChat(url="http://127.0.0.1:9/v1", model="m", api_key="a\nb")
    with pytest.raises(EngineRefused, match="key"):
        await chat.info()


@pytest.mark.parametrize(("key", "expected"), [("", "Basic bWU6c0B5"), ("internal", "Bearer internal")])
async def test_a_request_says_where_it_goes_and_who_asks(key: str, expected: str) -> None:
    async with saying(HEAD + b"Content-Length: %d\r\n\r\n" % len(SAID) + SAID) as server:
        chat = server.chat(who="me:s%40y@", path="/a b/", api_key=key)
        assert text(await collect(chat)) == "Hello there."
        await chat.close()
        first, *headers = server.heads[-1].split("\r\n")
        assert first == "POST /a%20b/chat/completions HTTP/1.1"
        assert {f"Host: 127.0.0.1:{server.port}", "User-Agent: openbook", f"Authorization: {expected}"} <= {*headers}


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # which would hide the line in the log
async def test_an_answer_that_is_left_early_leaves_no_open_connection(caplog: pytest.LogCaptureFixture) -> None:
    said = event("Hello")
    async with saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(said), said)) as server:
        async with aclosing(server.chat().stream(ASK)) as answer:
            async for _ in answer:
                break
        gc.collect()
        await asyncio.sleep(0)
    assert "Unclosed" not in caplog.text
