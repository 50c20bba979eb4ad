"""A line that rests while others are read: nothing comes, nothing is lost, and a look finds all of it."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from tests.engines.test_chat_line import HEAD, LONG, SAID, listening, now, saying


async def test_while_a_line_rests_nothing_comes_and_nothing_is_lost() -> None:
    async with saying(LONG, pause=0.005, step=50) as server:
        line = await server.ask("GET", "/x", now() + 60)
        line.rest(resting=True)
        await asyncio.sleep(0.2)
        line.rest(resting=False)
        body = b""
        while piece := await line.read(now() + 60):
            body += piece
        server.give(line)
    assert body == SAID


@pytest.mark.parametrize("handle", [True, False], ids=["past the transport", "by the transport"])
async def test_each_look_at_a_line_that_rests_finds_what_has_come(handle: bool) -> None:
    async with saying(LONG, step=10) as server:
        line = await server.ask("GET", "/x", now() + 60)
        if not handle:
            line._handle = -1
        line.rest(resting=True)
        looks, body = 0, b""
        while not line.ended:
            await asyncio.sleep(0.03)
            line.look()
            while not line._came and not line.ended:
                await line._more(now() + 60)
            looks, body = looks + 1, body + await line.read(now() + 60)
            line.rest(resting=True)
        line.rest(resting=False)
        server.give(line)
    assert body == SAID and looks < 15, "several pieces a look"


@pytest.mark.parametrize("ends", ["closed", "reset"])
async def test_a_line_that_ends_while_it_rests_is_found_at_the_next_look(ends: str) -> None:
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"\r\n" + SAID)
        await writer.drain()
        await gone.wait()
        if ends == "reset":
            abort = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abort)
        writer.close()

    async with listening(serve) as server:
        line = await server.ask("GET", "/x", now() + 60)
        assert await line.read(now() + 60) == SAID
        line.rest(resting=True)
        gone.set()
        await asyncio.sleep(0.1)
        line.look()
        if ends == "reset":
            with pytest.raises(OSError):
                await line.read(now() + 60)
        else:
            assert await line.read(now() + 60) == b""
        assert not line.open
        server.give(line)
