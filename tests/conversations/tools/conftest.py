"""Fixtures for tests of tools: tools that run functions of the test, and a fake model whose server supports tools."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from apps.conversations.tools import availability
from apps.conversations.tools.base import BaseTool, ToolContext, ToolResult
from apps.conversations.tools.builtin.catalog import BUILTIN_TOOLS
from apps.engines.chat.fake import FakeChat
from apps.engines.types import ToolCall

HERE = Path(__file__).parent
SILENT = "import time; time.sleep(3600)"
MCP_SERVERS = {
    "real": [sys.executable, str(HERE / "mcp_server.py")],
    "liar": [sys.executable, str(HERE / "lying_mcp_server.py")],
    "gone": ["/nonexistent/program"],
    "silent": [sys.executable, "-c", SILENT],
}


class Tried(BaseTool):
    """Tool that runs a function of the test and records its arguments."""

    title = "Tried"
    description = "Does what a test says."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {"text": {"type": "string"}}}

    def __init__(self, run: Callable[[Mapping[str, Any], ToolContext], Awaitable[Any]], name: str = "tried") -> None:
        self.run, self.name = run, name
        self.given: list[Mapping[str, Any]] = []

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        self.given.append(arguments)
        return await self.run(arguments, context)


class Effect(Tried):
    """Tool with effects, which always asks the user."""

    title = "Order tea"
    has_effects = True


async def said(arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
    """Return the argument `text` as a result; for `Tried`."""
    return ToolResult(f"It says {arguments.get('text')}")


async def hangs(arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
    """Never return; for `Tried`. With the text "stubborn", ignore the first cancellation too."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        if arguments.get("text") != "stubborn":
            raise
        await asyncio.sleep(3600)


def calls(chat: FakeChat, *items: tuple[str, Any]) -> None:
    """Let the model's next round call these tools: (name, arguments); arguments as text are sent unchanged."""
    written = [(name, value if isinstance(value, str) else orjson.dumps(value).decode()) for name, value in items]
    chat.calls.append(tuple(ToolCall(f"call-{at}", name, text) for at, (name, text) in enumerate(written)))


def tools_in(events: list[dict[str, Any]]) -> list[str]:
    """Return the last HTML of each card, in order of the calls."""
    return list({event["call"]: event["html"] for event in events if event["type"] == "tool"}.values())


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that adds tools to the built-in ones."""

    def put(*tools: BaseTool) -> None:
        monkeypatch.setattr(availability, "list_all_tools", lambda: (*BUILTIN_TOOLS, *tools))

    return put
