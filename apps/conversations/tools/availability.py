"""Which tools a model may call in a turn: what administrator and assistant allow, where its server takes tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from apps.conversations.models.assistant import Assistant
from apps.conversations.models.tool import ToolSetting
from apps.conversations.tools.base import Permission, Tool, strictest
from apps.conversations.tools.builtin import draw_picture
from apps.conversations.tools.builtin.catalog import BUILT_IN
from apps.conversations.tools.mcp.tool import tools as mcp_tools
from apps.engines import registry
from apps.engines.base import ChatEngine, EngineError
from apps.images import described as pictures
from apps.lib.threads import in_db
from apps.safety.restricting import Feature, closed

if TYPE_CHECKING:
    from apps.conversations.turns.preparation import Opening
    from apps.conversations.turns.state import Turn
    from apps.users.models import User

Count = Callable[[Sequence[str]], list[int]]
_SHARE = 0.25  # of the window that the descriptions of tools may take; what does not fit is not offered


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool that may be called, after asking or at once."""

    tool: Tool
    permission: Permission

    @property
    def described(self) -> dict[str, Any]:
        """As the OpenAI protocol describes a tool."""
        function = {"name": self.tool.name, "description": self.tool.description, "parameters": self.tool.parameters}
        return {"type": "function", "function": function}


Kit = Mapping[str, Offered]


async def kit(turn: Turn) -> Kit:
    """The tools of this turn by name; none where nobody could be asked, or the server takes none."""
    return await kit_of(turn.opening) if turn.acts else {}


async def kit_of(opening: Opening) -> Kit:
    """The tools that a turn of that opening would have."""
    chat = registry.chat(opening.model)
    if opening.written or opening.sampling.beams or not await _callable(chat):
        return {}
    room = int(_SHARE * (await chat.info()).context_tokens)
    return _fitting(await in_db(permitted, opening.assistant, opening.user), room, chat.count)


async def _callable(chat: ChatEngine) -> bool:
    """Whether the model server takes tools; not, as long as it is away."""
    try:
        return await chat.takes_tools()
    except EngineError:
        return False


def permitted(assistant: Assistant, user: User) -> dict[str, Offered]:
    """What administrator and assistant allow, the stricter of both; nothing where tools are closed for the person. For
    `in_db`."""
    if closed(user, Feature.TOOLS):
        return {}
    site: dict[str, str] = dict(ToolSetting.objects.values_list("name", "permission"))
    found = {}
    for tool in everything():
        if (permission := effective(tool, site, assistant.tools)) != Permission.OFF:
            found[tool.name] = Offered(tool, permission)
    return found


def effective(tool: Tool, site: Mapping[str, str], own: Mapping[str, str]) -> Permission:
    """What holds for a tool. What changes something always asks."""
    said = [site.get(tool.name, tool.permission), own.get(tool.name, Permission.ALLOWED)]
    return strictest(*said, *([Permission.ASK] if tool.effects else []))


def everything() -> Sequence[Tool]:
    """All tools that there are, whatever is allowed. For `in_db`."""
    # What nothing here could draw is not offered.
    own = [tool for tool in BUILT_IN if tool.name != draw_picture.NAME or pictures.is_set_up()]
    return [*own, *mcp_tools()]


def described(kit: Kit) -> tuple[dict[str, Any], ...]:
    return tuple(item.described for item in kit.values())


def cost(tools: Sequence[dict[str, Any]], count: Count) -> int:
    """Tokens that their descriptions take in a prompt."""
    return sum(count([orjson.dumps(item).decode() for item in tools]))


def _fitting(found: Kit, room: int, count: Count) -> Kit:
    kept: dict[str, Offered] = {}
    for name, item in found.items():
        room -= cost([item.described], count)
        if room >= 0:
            kept[name] = item
    return kept
