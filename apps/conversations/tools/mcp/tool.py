"""A tool of an MCP server, as the model calls it. Its description is the one that was listed when an administrator
looked: what the server says afterwards changes nothing until they look again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from apps.conversations.models.tool import ToolPermission, ToolServer, ToolSetting
from apps.conversations.tools.base import Tool, ToolContext, ToolDefaults, ToolError, ToolHint, ToolResult
from apps.conversations.tools.mcp.client import call_tool, list_tools
from apps.conversations.tools.mcp.limits import TIMEOUT_S
from apps.lib.concurrency.threads import in_db
from apps.safety.gate import gate

_LONGEST_NAME, _LONGEST_WORDS, _LONGEST_SCHEMA = 64, 1000, 20_000  # characters
_MOST = 40  # tools of one server
_MISSING = "The arguments do not fit: %(missing)s is missing."
_ODD = re.compile(r"[^a-zA-Z0-9_-]+")


class McpTool(ToolDefaults):
    """Asks each time until an administrator allows it: only they can know what it does."""

    permission = ToolPermission.ASK
    seconds = TIMEOUT_S + 5  # the session has its own limit, which says more

    def __init__(self, server: ToolServer, said: Mapping[str, Any]) -> None:
        self._server, self._called = server, said["name"]
        self.name = said["as"]
        self.title = f"{server.name}: {said['title'] or said['name']}"
        self.description = said["description"]
        self.parameters: Mapping[str, Any] = said["parameters"]
        self.hint = ToolHint(said.get("hint", ""))

    def check(self, arguments: Mapping[str, Any]) -> None:
        """The server itself judges them; what its schema could make take long is not asked here."""
        required = self.parameters.get("required")
        missing = [name for name in required if name not in arguments] if isinstance(required, list) else []
        if missing:
            raise ToolError(_MISSING, missing=", ".join(map(str, missing))[:200])

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        return ToolResult(await call_tool(self._server, self._called, arguments))


def load_tools() -> Sequence[Tool]:
    """The tools of all servers that are switched on. For `in_db`."""
    return [McpTool(server, said) for server in ToolServer.objects.filter(enabled=True) for said in server.tools]


async def refresh_server(server: ToolServer) -> str:
    """What the server offers is kept, its tools can be called; or why not, in words. A tool that is another one than
    before asks each time again."""
    try:
        offered = await list_tools(server)
        await gate.ensure_fresh_policy()
        found = _kept(server.name, offered)
    except ToolError as error:
        await in_db(_store, server, None, str(error)[:400])
        return str(error)
    await in_db(_store, server, found, "")
    return ""


def _store(server: ToolServer, found: list[dict[str, Any]] | None, problem: str) -> None:
    before = {item["as"]: item for item in server.tools}
    server.problem = problem
    if found is not None:
        changed = [item["as"] for item in found if before.get(item["as"]) != item]
        ToolSetting.objects.filter(name__in=[*changed, *(before.keys() - {item["as"] for item in found})]).delete()
        server.tools = found
    server.save(update_fields=["tools", "problem", "looked"])


def _kept(server: str, said: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What may be offered to a model: names and words within limits, and nothing that would have it obey. Raises
    ToolError."""
    kept: dict[str, dict[str, Any]] = {}
    for item in said[:_MOST]:
        words = " ".join(gate.normalise(item["description"])[:_LONGEST_WORDS].split())
        title = " ".join(gate.normalise(item["title"])[:60].split())
        name = f"{server}__{_ODD.sub('_', item['name'])}"[:_LONGEST_NAME]
        schema = _schema(item["parameters"])
        if schema is None or name in kept or not gate.check_passage(f"{title}. {words}. {schema}").allowed:
            continue
        kept[name] = {
            "as": name, "name": item["name"], "title": title, "description": words or title or item["name"],
            "parameters": schema, "hint": item["hint"],
        }  # fmt: skip
    if not kept:
        raise ToolError("The server offers no tool that can be used here.")
    return list(kept.values())


def _schema(said: Any) -> dict[str, Any] | None:
    """The shape of the arguments, for the model: the server judges them itself."""
    if not isinstance(said, dict) or said.get("type") != "object" or len(str(said)) > _LONGEST_SCHEMA:
        return None
    return said
