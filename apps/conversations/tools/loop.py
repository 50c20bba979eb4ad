"""Rounds of an answer whose model calls tools: each request continues from the results of the calls before.

Entry point: `build_next_request`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from apps.conversations.attachments.prompt_content import TOKENS_PER_PICTURE
from apps.conversations.tools import executor
from apps.conversations.tools.argument_schema import parse_arguments
from apps.conversations.tools.availability import count_description_tokens
from apps.conversations.tools.base import ToolError
from apps.engines.types import ChatMessage, ChatRequest, EngineRefused, ToolCall
from apps.safety.text.prompt_tokens import escape_template_tokens

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn

MAX_ROUNDS = 5  # rounds with tool calls; then the model has to answer
MAX_CALLS = 4  # calls in one round
_RESERVED = 256  # tokens that results leave for the answer
_LEAST = 32  # tokens of an answer, at least
_LEAST_RESULT = 48  # tokens of a result, at least
_OVERHEAD = 8  # tokens that a chat template adds to a message, at most
_FULL = "The results of the tools fill the model's context, so there is no room for an answer. Ask for less at once."
_NO_ANSWER = (
    "The model kept calling tools and gave no answer. Rephrase your question, or ask an administrator to turn off "
    "its tools."
)
_TOO_MANY = f"The call was not made: at most {MAX_CALLS} are made at once."
_REPEATED = "The call was not repeated: the result for these arguments is above."


async def build_next_request(turn: Turn, request: ChatRequest, began: int) -> ChatRequest | None:
    """Execute the calls that the model asked for, and return the next request; None if the answer is complete.

    That is so if it called none, no tools are available, or it was told to answer and has written text.

    `began` is where the text of this round begins in the answer. At most MAX_CALLS are made per round. After MAX_ROUNDS
    rounds the model must answer. Raise Withheld, and EngineRefused if no room is left or the model never answers.
    """
    requested, turn.requested_calls = turn.requested_calls, ()
    if not requested or not turn.available_tools:
        return None
    if request.tool_choice == "none":  # told to answer, the model calls tools all the same
        if turn.text:
            return None
        raise EngineRefused(_NO_ANSWER)
    turn.rounds += 1
    window = (await turn.chat.info()).context_tokens - count_description_tokens(request.tools, turn.chat.count)
    message = ChatMessage(
        "assistant", escape_template_tokens(turn.text[began:].strip()), tuple(map(_sanitise_call, requested))
    )
    messages = [*request.messages, message]
    for index, call in enumerate(requested):
        room = max(_LEAST_RESULT, (window - _count_tokens(turn, messages) - _RESERVED) // (len(requested) - index))
        text = await _execute(turn, call, index, room)
        messages.append(ChatMessage("tool", escape_template_tokens(text), call_id=call.id))
    left = window - _count_tokens(turn, messages)
    if left < _LEAST:
        raise EngineRefused(_FULL)
    sampling = replace(request.sampling, max_tokens=min(request.sampling.max_tokens, left))
    choice = "none" if turn.rounds >= MAX_ROUNDS else "auto"
    return replace(request, messages=tuple(messages), sampling=sampling, tool_choice=choice)


async def _execute(turn: Turn, call: ToolCall, index: int, room: int) -> str:
    if index >= MAX_CALLS:
        return _TOO_MANY
    if (call.name, call.arguments) in turn.calls_seen:
        return _REPEATED
    turn.calls_seen.add((call.name, call.arguments))
    return await executor.execute_call(turn, call, turn.available_tools, room)


def _sanitise_call(call: ToolCall) -> ToolCall:
    """Return the call for the message history; arguments that are no JSON become {}, since servers refuse them."""
    try:
        parse_arguments(call.arguments)
    except ToolError:
        return replace(call, arguments="{}")
    return replace(call, arguments=call.arguments.strip() or "{}")


def _count_tokens(turn: Turn, messages: list[ChatMessage]) -> int:
    texts = [message.content + "".join(call.arguments for call in message.calls) for message in messages]
    seen = TOKENS_PER_PICTURE * sum(len(message.pictures) for message in messages)
    return sum(turn.chat.count(texts)) + _OVERHEAD * len(messages) + seen
