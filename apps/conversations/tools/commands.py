"""`/` commands: a person calls a tool themselves, also where the model cannot.

    /calc 12 * 7
    /read Staff handbook
    How many days of leave are there?

The first line calls the tool. What stands below it is a question, which the model answers from what the tool gave;
without one the card is all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from apps.conversations.tools import calling
from apps.conversations.tools.base import Tool
from apps.conversations.tools.kit import BUILT_IN
from apps.conversations.tools.offering import permitted
from apps.engines.base import ToolCall
from apps.lib.threads import in_db

if TYPE_CHECKING:
    from apps.conversations.turn import Turn

TOKENS = 1500  # of what a tool gives, in the prompt of the question below it
_COMMAND = re.compile(r"/([a-z]{2,20})(?:[ \t]+([^\n]*))?(?:\n+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    tool: Tool
    words: str  # what stands behind it on its line
    question: str  # what stands below it


def read(text: str) -> Command | None:
    """The command of that text; None where it is none, so that "/etc/hosts" can be asked about."""
    found = _COMMAND.fullmatch(text)
    tools = {tool.command: tool for tool in BUILT_IN if tool.command}
    if found is None or found[1] not in tools:
        return None
    return Command(tools[found[1]], (found[2] or "").strip(), (found[3] or "").strip())


def question(text: str) -> str:
    """What the model is asked: all of the text, or what stands below its command."""
    command = read(text)
    return command.question if command else text


async def run(turn: Turn, command: Command) -> bool:
    """The card is on the page; whether there is something for the model to answer. Raises Withheld."""
    await turn.opened()
    kit = await in_db(permitted, turn.opening.assistant)
    wanted = ToolCall("", command.tool.name, orjson.dumps({command.tool.argument: command.words}).decode())
    text = await calling.call(turn, wanted, kit, TOKENS, by_person=True)
    done = next(iter(turn.made.values())).status == "done"
    if not turn.placed:
        turn.notes.append(f"{command.tool.title}: {text}")
    return done and bool(command.question)
