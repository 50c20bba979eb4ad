"""Tools of MCP servers, as the model calls them. Entry points: `load_tools`, `refresh_server`.

Descriptions are those that the server listed when an administrator last refreshed it; later changes by the server have
no effect until the next refresh.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from apps.conversations.models.tool import ToolPermission, ToolServer, ToolSetting
from apps.conversations.tools.base import BaseTool, ToolContext, ToolError, ToolHint, ToolResult
from apps.conversations.tools.mcp.client import call_tool, list_tools
from apps.conversations.tools.mcp.limits import TIMEOUT_S
from apps.lib.concurrency.threads import in_db
from apps.safety.gate import gate

_LONGEST_NAME, _LONGEST_WORDS, _LONGEST_SCHEMA = 64, 1000, 20_000  # characters
_MOST = 40  # tools of one server
_MISSING = "The arguments are not valid: %(missing)s is missing."
_ODD = re.compile(r"[^a-zA-Z0-9_-]+")


class McpTool(BaseTool):
    """Tool of an MCP server. The user is asked each time until an administrator allows it."""

    permission = ToolPermission.ASK
    timeout_s = TIMEOUT_S + 5  # the session has a shorter limit with a better message

    def __init__(self, server: ToolServer, description: Mapping[str, Any]) -> None:
        self._server, self._called = server, description["name"]
        self.name = description["as"]
        self.title = f"{server.name}: {description['title'] or description['name']}"
        self.description = description["description"]
        self.parameters: Mapping[str, Any] = description["parameters"]
        self.hint = ToolHint(description.get("hint", ""))

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raise ToolError for missing required arguments.

        The full schema is left to the server: validating a foreign schema could take arbitrarily long.
        """
        required = self.parameters.get("required")
        missing = [name for name in required if name not in arguments] if isinstance(required, list) else []
        if missing:
            raise ToolError(_MISSING, missing=", ".join(map(str, missing))[:200])

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        """Call the tool on its server. Raise ToolError."""
        return ToolResult(await call_tool(self._server, self._called, arguments))


def load_tools() -> Sequence[BaseTool]:
    """Return the tools of all enabled servers. For `in_db`."""
    return [
        McpTool(server, description)
        for server in ToolServer.objects.filter(enabled=True)
        for description in server.tools
    ]


async def refresh_server(server: ToolServer) -> str:
    """List the tools of the server and store them; return "" or the problem, which is stored too.

    The permission of a tool that changed or disappeared is deleted, so that it asks again. Callers must check that the
    user is an administrator.
    """
    try:
        offered = await list_tools(server)
        await gate.ensure_fresh_policy()
        found = _select_usable(server.name, offered)
    except ToolError as error:
        await in_db(_store_listing, server, None, str(error)[:400])
        return str(error)
    await in_db(_store_listing, server, found, "")
    return ""


def _store_listing(server: ToolServer, found: list[dict[str, Any]] | None, problem: str) -> None:
    before = {item["as"]: item for item in server.tools}
    server.problem = problem
    if found is not None:
        changed = [item["as"] for item in found if before.get(item["as"]) != item]
        ToolSetting.objects.filter(name__in=[*changed, *(before.keys() - {item["as"] for item in found})]).delete()
        server.tools = found
    server.save(update_fields=["tools", "problem", "checked"])


def _select_usable(server: str, descriptions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tools that may be offered to a model: within limits, and without instructions to the model.

    Raise ToolError if none is left.
    """
    accepted: dict[str, dict[str, Any]] = {}
    for item in descriptions[:_MOST]:
        words = " ".join(gate.normalise(item["description"])[:_LONGEST_WORDS].split())
        title = " ".join(gate.normalise(item["title"])[:60].split())
        name = f"{server}__{_ODD.sub('_', item['name'])}"[:_LONGEST_NAME]
        schema = _check_schema(item["parameters"])
        if schema is None or name in accepted or not gate.check_passage(f"{title}. {words}. {schema}").allowed:
            continue
        accepted[name] = {
            "as": name, "name": item["name"], "title": title, "description": words or title or item["name"],
            "parameters": schema, "hint": item["hint"],
        }  # fmt: skip
    if not accepted:
        raise ToolError("The server offers no tool that can be used here.")
    return list(accepted.values())


def _check_schema(schema: Any) -> dict[str, Any] | None:
    """Return the schema of the arguments; None if it is not of type "object" or too long."""
    if not isinstance(schema, dict) or schema.get("type") != "object" or len(str(schema)) > _LONGEST_SCHEMA:
        return None
    return schema
