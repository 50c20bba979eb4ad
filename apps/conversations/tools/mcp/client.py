"""Client of MCP servers: each operation runs in a session of its own. Entry points: `list_tools`, `call_tool`.

Responses are untrusted data. Oversized, malformed or missing responses end in a ToolError with a sentence for the user.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from django.conf import settings
from django.utils.translation import gettext_noop

from apps.conversations.tools.base import ToolError, ToolHint
from apps.conversations.tools.mcp.limits import MAX_BYTES, TIMEOUT_S
from apps.safety.gate.web_addresses import FetchRefused

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import ToolAnnotations

    from apps.conversations.models.tool import ToolServer

T = TypeVar("T")
log = logging.getLogger(__name__)

_LISTED = 200  # tools of one server that are read
_TOO_LARGE = "The server sent more than the limit of %(mb)s MB at once. Ask for less."
_SLOW = "The server took longer than %(seconds)s seconds, so the call was cancelled."
_SAYS = gettext_noop("The server says: %(text)s")
_SAYS_NOTHING = "The server reported an error without a reason."
_SENSELESS = "The server's response does not match the protocol or its own description, so it was not used."
_AWAY = "The server cannot be reached, or the connection was lost."
_UNKNOWN_COMMAND = "No program with this name is allowed (MCP_COMMANDS)."


async def list_tools(server: ToolServer) -> list[dict[str, Any]]:
    """Return the tools that the server offers: name, title, description, parameters and hint (ToolHint), as it says.

    At most _LISTED tools are read. Raise ToolError.
    """

    async def ask(client: Client) -> list[dict[str, Any]]:
        found = (await client.list_tools()).tools[:_LISTED]
        return [
            {"name": item.name, "title": item.title or "", "description": item.description or "",
             "parameters": item.input_schema, "hint": str(_get_hint(item.annotations))}
            for item in found
        ]  # fmt: skip

    return await _run_within(server, ask)


def _get_hint(annotations: ToolAnnotations | None) -> ToolHint:
    """Return the hint of the annotations. By the protocol, an unannotated tool may do anything."""
    if annotations is None or (annotations.read_only_hint is None and annotations.destructive_hint is None):
        return ToolHint.UNSAID
    if annotations.read_only_hint:
        return ToolHint.READS
    return ToolHint.ADDS if annotations.destructive_hint is False else ToolHint.CHANGES


async def call_tool(server: ToolServer, tool: str, arguments: Mapping[str, Any]) -> str:
    """Call the tool and return its result as text. Raise ToolError."""

    async def ask(client: Client) -> str:
        result = await client.call_tool(tool, dict(arguments))
        text = "\n".join(_extract_text(item) for item in result.content)
        if not text and result.structured_content is not None:
            text = orjson.dumps(result.structured_content).decode()
        if result.is_error:
            raise ToolError(_SAYS, text=text[:300]) if text else ToolError(_SAYS_NOTHING)
        if len(text) > MAX_BYTES:
            raise ToolError(_TOO_LARGE, mb=MAX_BYTES // 1024**2)
        return text

    return await _run_within(server, ask)


async def _run_within(server: ToolServer, ask: Callable[[Client], Awaitable[T]]) -> T:
    """Run `ask` in a session of its own, within TIMEOUT_S. The session is a task, so its failure ends nothing else.

    Raise ToolError.
    """
    exceeded = asyncio.Event()  # set once the server has sent more than MAX_BYTES
    task = asyncio.create_task(_open_session(server, ask, exceeded), name=f"session with {server.name}")
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    full = asyncio.create_task(exceeded.wait())  # ends the wait as soon as the size is exceeded
    either: list[asyncio.Task[Any]] = [task, full]
    try:
        await asyncio.wait(either, timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        full.cancel()
        if not (ended := task.done()):
            task.cancel()
    if exceeded.is_set():
        raise ToolError(_TOO_LARGE, mb=MAX_BYTES // 1024**2)
    if not ended:
        raise ToolError(_SLOW, seconds=f"{TIMEOUT_S:.0f}")
    if task.cancelled():
        raise ToolError(_AWAY)
    if (error := task.exception()) is not None:
        raise _explain_error(server, error)
    return task.result()


async def _open_session(server: ToolServer, ask: Callable[[Client], Awaitable[T]], exceeded: asyncio.Event) -> T:
    from mcp import Client

    async with (
        _open_transport(server, exceeded) as line,
        Client(line, read_timeout_seconds=TIMEOUT_S, cache=None) as client,
    ):
        return await ask(client)


@asynccontextmanager
async def _open_transport(server: ToolServer, exceeded: asyncio.Event) -> AsyncIterator[Any]:
    """Yield the transport to the server. A program gets the default environment of the SDK, nothing of this process."""
    from mcp.client.stdio import StdioServerParameters, stdio_client
    from mcp.client.streamable_http import streamable_http_client

    from apps.conversations.tools.mcp import http_transport

    if server.transport == server.Transport.STDIO:
        if (command := settings.MCP_COMMANDS.get(server.command)) is None:
            raise ToolError(_UNKNOWN_COMMAND)
        with Path(os.devnull).open("w") as nowhere:
            yield stdio_client(StdioServerParameters(command=command[0], args=command[1:]), nowhere)
        return
    async with http_transport.make_client(settings.MCP_TOKENS.get(server.name, ""), exceeded) as http:
        yield streamable_http_client(server.address, http_client=http, max_sse_event_size=MAX_BYTES)


def _explain_error(server: ToolServer, error: BaseException) -> ToolError:
    """Return the error as a sentence for the user; the exception types go to the log."""
    flat = list(_flatten(error))
    for one in flat:
        if isinstance(one, ToolError):
            return one
    if found := next((one for one in flat if isinstance(one, FetchRefused)), None):
        return ToolError(str(found))
    log.warning("The MCP server %s failed: %s", server.name, "; ".join(type(one).__name__ for one in flat))
    if any(isinstance(one, ValueError | TypeError | RuntimeError) for one in flat):
        return ToolError(_SENSELESS)
    return ToolError(_AWAY)


def _flatten(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [one for inner in error.exceptions for one in _flatten(inner)]
    return [error, *(_flatten(error.__cause__) if error.__cause__ else [])]


def _extract_text(item: Any) -> str:
    """Return a piece of a result as text. Other content is described: nothing is decoded, and no URL is fetched."""
    if item.type == "text":
        return str(item.text)
    if item.type == "resource" and hasattr(item.resource, "text"):
        return str(item.resource.text)
    kind = getattr(item, "mime_type", None) or item.type
    return f"[{kind}, which is not shown]"
