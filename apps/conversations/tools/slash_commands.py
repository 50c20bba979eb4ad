"""Slash commands: the user calls a tool, even if the model cannot. Entry points: `parse_command`, `run_command`.

    /calc 12 * 7
    /weather__forecast {"city": "Kiel", "days": 3}
    How many days of leave are there?

The first line calls the tool, with one argument as plain text or all arguments as JSON; the form behind `/` composes
it. The text below is a question, which the model answers from the result. Without a question, the card is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from apps.conversations.core.tool_calls import ToolCallStatus
from apps.conversations.models.assistant import Assistant
from apps.conversations.tools import executor
from apps.conversations.tools.availability import get_permitted_tools
from apps.conversations.tools.base import BaseTool
from apps.conversations.tools.builtin import draw_picture
from apps.conversations.tools.builtin.catalog import BUILTIN_TOOLS
from apps.engines.types import ToolCall
from apps.lib.concurrency.threads import in_db

if TYPE_CHECKING:
    from apps.conversations.tools.running_calls import RunningCalls
    from apps.users.models import User

MAX_RESULT_TOKENS = 1500  # limit of the result in the prompt of the question
# Tools of MCP servers are named <server>__<tool>.
_COMMAND = re.compile(r"/([a-z]{2,20}|[\w-]{1,20}?__[\w-]{1,61})(?:[ \t]+([^\n]*))?(?:\n+(.*))?", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """Slash command of a message."""

    tool: str  # name of the tool
    words: str  # text after the command on its line
    question: str  # text below that line


def parse_command(text: str) -> SlashCommand | None:
    """Return the command of the text; None if it is none, so that a question may begin with "/etc/hosts"."""
    found = _COMMAND.fullmatch(text)
    tools = {tool.command: tool.name for tool in BUILTIN_TOOLS if tool.command}
    if found is None or (name := tools.get(found[1], found[1] if "__" in found[1] else "")) == "":
        return None
    return SlashCommand(name, (found[2] or "").strip(), (found[3] or "").strip())


def get_model_question(text: str) -> str:
    """Return the question for the model: all of the text, or the part below its command."""
    command = parse_command(text)
    return command.question if command else text


def get_command_word(tool: BaseTool) -> str:
    """Return the word after "/" that calls the tool."""
    return tool.command or tool.name


def format_command(tool: BaseTool, arguments: Mapping[str, Any]) -> str:
    """Return the line that calls the tool with these arguments."""
    plain = arguments.get(tool.argument) if len(arguments) == 1 else None
    if isinstance(plain, str) and "\n" not in plain and not plain.lstrip().startswith("{"):
        return f"/{get_command_word(tool)} {plain}"
    return (
        f"/{get_command_word(tool)} {orjson.dumps(arguments).decode()}" if arguments else f"/{get_command_word(tool)}"
    )


def make_arguments(tool: BaseTool, words: str) -> str:
    """Return the arguments as JSON text, from the words after the command; the words as they are if that fails."""
    properties = tool.parameters.get("properties")
    known = list(properties) if isinstance(properties, dict) else []
    if words.startswith("{"):
        try:
            parsed = orjson.loads(words)
        except orjson.JSONDecodeError:
            parsed = None
        if isinstance(parsed, dict) and set(parsed) <= set(known):
            return words
    only = tool.argument or (known[0] if len(known) == 1 else "")
    if not only:
        return words
    return orjson.dumps({only: words} if words or tool.argument else {}).decode()


def list_commands(assistant: Assistant, user: User) -> list[BaseTool]:
    """Return the tools that the user may call while the assistant answers. For `in_db`.

    Drawing is left out: pictures have a command of their own.
    """
    return [
        item.tool for item in get_permitted_tools(assistant, user).values() if item.tool.name != draw_picture.TOOL_NAME
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutcome:
    """Slash command that was executed."""

    answers_question: bool  # the model has a question to answer from the result
    notes: tuple[str, ...]  # prompt lines of the result; () if it gave passages, which the prompt holds anyway


async def run_command(running: RunningCalls, command: SlashCommand, *, passage_tokens: int) -> CommandOutcome:
    """Execute the command and show its card. `passage_tokens` limits the passages that a tool searches for.

    Raise Withheld.
    """
    kit = await in_db(get_permitted_tools, running.input.assistant, running.input.user)
    item = kit.get(command.tool)
    wanted = ToolCall("", command.tool, make_arguments(item.tool, command.words) if item else "")
    limits = executor.CallLimits(result_tokens=MAX_RESULT_TOKENS, passage_tokens=passage_tokens)
    outcome = await executor.execute_call(running, wanted, kit, limits, by_user=True)
    made = outcome.record
    return CommandOutcome(
        answers_question=made.status == ToolCallStatus.DONE and bool(command.question),
        notes=() if running.sources.passages else (f"{made.title}: {outcome.text}",),
    )
