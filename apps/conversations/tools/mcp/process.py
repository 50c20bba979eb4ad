"""The line to an MCP server that is a program of this machine: started for one session, ended with it.

Messages are those of the official package. Its own transport keeps a line of any length in memory; here one that is
longer than allowed ends the session.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from apps.conversations.tools.mcp.limits import MOST_BYTES, Exceeded

_GRACE_S = 1.0  # to end by itself, once its input is closed


@asynccontextmanager
async def process(command: Sequence[str], exceeded: Exceeded) -> AsyncIterator[Any]:
    """The streams of a session with that program. Nothing of this process's environment reaches it but the usual."""
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=MOST_BYTES, env=get_default_environment(), start_new_session=True,
    )  # fmt: skip
    heard, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, said = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [asyncio.create_task(_hear(child, heard, exceeded)), asyncio.create_task(_say(child, said))]
    try:
        yield incoming, outgoing
    finally:
        for task in tasks:
            task.cancel()
        for stream in (heard, incoming, outgoing, said):
            stream.close()
        await _end(child)


async def _hear(child: asyncio.subprocess.Process, heard: Any, exceeded: Exceeded) -> None:
    if child.stdout is None:
        raise ValueError("started without a pipe")
    async with heard:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            while line := await _line(child.stdout, exceeded):
                try:
                    await heard.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
                except ValueError as error:
                    await heard.send(error)


async def _line(stream: asyncio.StreamReader, exceeded: Exceeded) -> bytes:
    """The next line; empty at the end, and where it is longer than allowed."""
    try:
        return await stream.readline()
    except ValueError:
        exceeded.happens()
        return b""


async def _say(child: asyncio.subprocess.Process, said: Any) -> None:
    if child.stdin is None:
        raise ValueError("started without a pipe")
    with suppress(ConnectionError, anyio.ClosedResourceError):
        async with said:
            async for item in said:
                child.stdin.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await child.stdin.drain()


async def _end(child: asyncio.subprocess.Process) -> None:
    """The program and what it started are gone."""
    if child.stdin is not None:
        child.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            await child.wait()
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    await child.wait()
