"""MCP servers over both transports: what they give, and what they do that they should not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
import uvicorn

from apps.conversations.models import Message, ToolServer, ToolSetting
from apps.conversations.tools.base import ToolError
from apps.conversations.tools.mcp import client
from apps.conversations.tools.mcp.client import call_tool, list_tools
from apps.conversations.tools.mcp.tool import refresh_server
from tests.conversations.tools import mcp_server
from tests.conversations.tools.conftest import MCP_SERVERS, SILENT, calls, tools_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["stdio", "http", "http json"])
async def server(request: pytest.FixtureRequest, settings: Any) -> AsyncIterator[ToolServer]:
    settings.MCP_COMMANDS = MCP_SERVERS
    if request.param == "stdio":
        yield ToolServer(name="test", transport="stdio", command="real")
        return
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        settings.MCP_HOSTS = {("127.0.0.1", port)}
        app = mcp_server.app(json=request.param == "http json")
        web = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        task = asyncio.create_task(web.serve([listener]))
        while not web.started:
            await asyncio.sleep(0.01)
        yield ToolServer(name="test", transport="http", address=f"http://127.0.0.1:{port}/mcp")
        web.force_exit = web.should_exit = True
        await task


def program(command: str) -> ToolServer:
    return ToolServer(name="test", transport="stdio", command=command)


async def test_mcp_tools_are_listed_and_called(server: ToolServer) -> None:
    assert [item["name"] for item in await list_tools(server)] == [tool.name for tool in mcp_server.TOOLS]
    assert [item["hint"] for item in await list_tools(server)][:4] == ["reads", "changes", "adds", ""]
    assert await call_tool(server, "add", {"a": 2, "b": 0.5}) == "2.5"


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("big", "more than the limit of 2 MB"),
        ("lies", "does not match"),
        ("elsewhere", "does not match"),
        ("fails", "out of tea"),
    ],
)
async def test_mcp_server_misbehaviour_ends_with_a_reason(server: ToolServer, tool: str, words: str) -> None:
    with pytest.raises(ToolError, match=words):
        await call_tool(server, tool, {})


async def test_a_server_that_hangs_is_given_up(server: ToolServer, monkeypatch: pytest.MonkeyPatch) -> None:
    await call_tool(server, "add", {"a": 1, "b": 1})  # what has to be imported, is
    monkeypatch.setattr(client, "TIMEOUT_S", 1.0)
    with pytest.raises(ToolError, match="was cancelled"):
        await call_tool(server, "hang", {})


async def test_pictures_are_named_and_markup_is_text(server: ToolServer) -> None:
    text = await call_tool(server, "odd name!", {})
    assert text.startswith("[image/png, which is not shown]\n<img src=")


async def test_lies_about_types_end_in_words(settings: Any) -> None:
    settings.MCP_COMMANDS = MCP_SERVERS
    assert [item["name"] for item in await list_tools(program("liar"))] == ["lie"]
    with pytest.raises(ToolError, match="does not match"):
        await call_tool(program("liar"), "lie", {})


@pytest.mark.parametrize("command", ["gone", "unknown", "", "/bin/sh"])
async def test_mcp_programs_start_only_if_the_operator_named_them(settings: Any, command: str) -> None:
    settings.MCP_COMMANDS = MCP_SERVERS
    with pytest.raises(ToolError, match=r"reached|is allowed"):
        await call_tool(program(command), "add", {})


async def test_mcp_program_does_not_outlive_its_session(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MCP_COMMANDS = MCP_SERVERS
    monkeypatch.setattr(client, "TIMEOUT_S", 1.0)
    with pytest.raises(ToolError, match="cancelled"):
        await call_tool(program("silent"), "add", {})
    async with asyncio.timeout(60):
        while sleeping():
            await asyncio.sleep(0.05)


def sleeping() -> list[psutil.Process]:
    """The silent programs that this process has started."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            found += [child] if SILENT in child.cmdline() else []
    return found


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:6379/mcp", "http://169.254.169.254/latest", "http://[::1]/mcp", "file:///etc/passwd",
        "http://localhost/mcp", "https://10.0.0.1/mcp", "http://0x7f.1/mcp", "http://user:pw@example.com/mcp", "",
    ],
)  # fmt: skip
async def test_addresses_that_are_not_public_are_not_connected_to(address: str) -> None:
    with pytest.raises(ToolError, match=r"cannot be fetched|no server of this name"):
        await call_tool(ToolServer(name="test", transport="http", address=address), "add", {})


async def test_a_look_keeps_what_may_be_offered_and_a_changed_tool_asks_again(server: ToolServer) -> None:
    await server.asave()
    assert await refresh_server(server) == ""
    names = [item["as"] for item in server.tools]
    assert "test__add" in names and "test__odd_name_" in names and "test__poison" not in names
    for name in ("test__add", "test__fails"):
        await ToolSetting.objects.acreate(name=name, permission="allowed")
    server.tools = [{**item, "description": "Was another."} if item["as"] == "test__add" else item
                    for item in server.tools]  # fmt: skip
    await refresh_server(server)
    assert [row.name async for row in ToolSetting.objects.all()] == ["test__fails"]


async def test_mcp_tool_in_a_turn_asks_first_and_shows_failures_as_cards(page, library, caller, settings) -> None:
    settings.MCP_COMMANDS = MCP_SERVERS
    server = await ToolServer.objects.acreate(name="test", transport="stdio", command="real")
    await refresh_server(server)
    await ToolSetting.objects.acreate(name="test__big", permission="allowed")
    calls(caller, ("test__add", {"a": 1}), ("test__add", {"a": 1, "b": 2}), ("test__big", {}))
    caller.replies.append("Three.")
    accepted = await page.ask("How high was the lighthouse of Alexandria?")
    heard = []
    while not heard or 'data-status="asking"' not in heard[-1]["html"]:
        heard.append(await page.hear("tool", timeout=90))
    await page.tell(do="decide", turn=accepted["turn"], call=heard[-1]["call"], allow=True)
    missing, added, big = tools_in([*heard, *await page.events(timeout=90)])
    assert "b is missing" in missing and "more than the limit of 2 MB" in big
    assert 'data-status="done"' in added and ">3<" in added
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert (answer.status, answer.text) == (Message.Status.COMPLETE, "Three.")
