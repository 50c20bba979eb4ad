"""Determine the tools that a model may call in a turn.

Administrator and assistant must allow a tool, and the model server must support tools. Entry points:
`load_available_tools`, `get_permitted_tools`, `list_all_tools`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from apps.conversations.models.assistant import Assistant
from apps.conversations.models.tool import ToolPermission, ToolSetting
from apps.conversations.tools.base import BaseTool, get_strictest
from apps.conversations.tools.builtin import draw_picture
from apps.conversations.tools.builtin.catalog import BUILTIN_TOOLS
from apps.conversations.tools.mcp.tool import load_tools as mcp_tools
from apps.engines import registry
from apps.engines.types import ChatEngine, EngineError
from apps.images.generation import model_info as pictures
from apps.lib.concurrency.threads import in_db
from apps.safety.models.feature_restrictions import Feature, restriction_message

if TYPE_CHECKING:
    from apps.conversations.core.turn_input import TurnInput
    from apps.conversations.core.turn_sink import TurnSink
    from apps.users.models import User

CountTokens = Callable[[Sequence[str]], list[int]]
_SHARE = 0.25  # share of the context window for tool descriptions; tools beyond it are not offered


@dataclass(frozen=True, slots=True)
class AvailableTool:
    """Tool that may be called, at once or after asking the user."""

    tool: BaseTool
    permission: ToolPermission

    @property
    def described(self) -> dict[str, Any]:
        """Return the tool in the format of the OpenAI API."""
        function = {"name": self.tool.name, "description": self.tool.description, "parameters": self.tool.parameters}
        return {"type": "function", "function": function}


AvailableTools = Mapping[str, AvailableTool]


async def load_available_tools(prepared: TurnInput, sink: TurnSink) -> AvailableTools:
    """Return the tools of this turn by name, as `load_prepared_tools` does; {} also for turns without tools, such as
    those whose user cannot be asked."""
    return await load_prepared_tools(prepared) if sink.allows_tools else {}


async def load_prepared_tools(prepared: TurnInput) -> AvailableTools:
    """Return the tools by name for a prepared turn, as many as fit into _SHARE of the context window.

    {} for continued answers, for beam search, if tools are restricted for the user, and if the model server takes no
    tools or is unreachable.
    """
    chat = registry.get_chat_engine(prepared.model)
    if prepared.text_so_far or prepared.sampling.beams or not await _takes_tools(chat):
        return {}
    room = int(_SHARE * (await chat.info()).context_tokens)
    return _select_fitting(await in_db(get_permitted_tools, prepared.assistant, prepared.user), room, chat.count)


async def _takes_tools(chat: ChatEngine) -> bool:
    """Return whether the model server takes tools; False also while it is unreachable."""
    try:
        return await chat.supports_tools()
    except EngineError:
        return False


def get_permitted_tools(assistant: Assistant, user: User) -> dict[str, AvailableTool]:
    """Return the tools by name that both administrator and assistant allow. For `in_db`.

    The stricter permission applies. {} if tools are restricted for the user.
    """
    if restriction_message(user, Feature.TOOLS):
        return {}
    site: dict[str, str] = dict(ToolSetting.objects.values_list("name", "permission"))
    found = {}
    for tool in list_all_tools():
        if (permission := resolve_permission(tool, site, assistant.tools)) != ToolPermission.OFF:
            found[tool.name] = AvailableTool(tool, permission)
    return found


def resolve_permission(tool: BaseTool, site: Mapping[str, str], own: Mapping[str, str]) -> ToolPermission:
    """Return the stricter of the site's and the assistant's permission. A tool with effects asks at least."""
    permissions = [site.get(tool.name, tool.permission), own.get(tool.name, ToolPermission.ALLOWED)]
    return get_strictest(*permissions, *([ToolPermission.ASK] if tool.has_effects else []))


def list_all_tools() -> Sequence[BaseTool]:
    """Return all built-in tools and those of MCP servers, whatever is allowed. For `in_db`."""
    # Without a configured image model, the drawing tool is left out.
    own = [tool for tool in BUILTIN_TOOLS if tool.name != draw_picture.TOOL_NAME or pictures.is_configured()]
    return [*own, *mcp_tools()]


def describe_tools(available: AvailableTools) -> tuple[dict[str, Any], ...]:
    """Return the tools in the format of the OpenAI API."""
    return tuple(item.described for item in available.values())


def count_description_tokens(tools: Sequence[dict[str, Any]], count: CountTokens) -> int:
    """Return the tokens that the tool descriptions take in a prompt."""
    return sum(count([orjson.dumps(item).decode() for item in tools]))


def _select_fitting(found: AvailableTools, room: int, count: CountTokens) -> AvailableTools:
    fitting: dict[str, AvailableTool] = {}
    for name, item in found.items():
        room -= count_description_tokens([item.described], count)
        if room >= 0:
            fitting[name] = item
    return fitting
