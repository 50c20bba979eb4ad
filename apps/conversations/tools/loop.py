"""Rounds of an answer whose model calls tools: each request continues from the results of the calls before.

Entry point: `build_next_request`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from apps.conversations.attachments.prompt_content import TOKENS_PER_PICTURE
from apps.conversations.tools import executor
from apps.conversations.tools.argument_schema import parse_arguments
from apps.conversations.tools.availability import CountTokens, count_description_tokens
from apps.conversations.tools.base import ToolError
from apps.engines.types import ChatMessage, ChatRequest, EngineRefused, ToolCall
from apps.safety.text.prompt_tokens import escape_template_tokens

if TYPE_CHECKING:
    from apps.conversations.tools.availability import AvailableTools
    from apps.conversations.tools.running_calls import RunningCalls

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRound:
    """Round of an answer that the model has ended."""

    request: ChatRequest
    calls: tuple[ToolCall, ...]  # that the model asked for
    text: str  # of the whole answer
    start: int  # where the text of this round begins in it


async def build_next_request(
    running: RunningCalls, available_tools: AvailableTools, ended: FinishedRound, *, passage_tokens: int
) -> ChatRequest | None:
    """Execute the calls that the model asked for, and return the next request; None if the answer is complete.

    That is so if it called none, no tools are available, or it was told to answer and has written text.

    At most MAX_CALLS are made per round. After MAX_ROUNDS rounds the model must answer. `passage_tokens` limits the
    passages that a tool searches for. Raise Withheld, and EngineRefused if no room is left or the model never answers.
    """
    request = ended.request
    if not ended.calls or not available_tools:
        return None
    if request.tool_choice == "none":  # told to answer, the model calls tools all the same
        if ended.text:
            return None
        raise EngineRefused(_NO_ANSWER)
    number, count = running.begin_round(), running.chat.count
    window = (await running.chat.info()).context_tokens - count_description_tokens(request.tools, count)
    message = ChatMessage(
        "assistant",
        escape_template_tokens(ended.text[ended.start :].strip()),
        tuple(map(_sanitise_call, ended.calls)),
    )
    messages = [*request.messages, message]
    for index, call in enumerate(ended.calls):
        room = max(_LEAST_RESULT, (window - _count_tokens(messages, count) - _RESERVED) // (len(ended.calls) - index))
        limits = executor.CallLimits(result_tokens=room, passage_tokens=passage_tokens)
        text = await _execute(running, available_tools, call, limits) if index < MAX_CALLS else _TOO_MANY
        messages.append(ChatMessage("tool", escape_template_tokens(text), call_id=call.id))
    left = window - _count_tokens(messages, count)
    if left < _LEAST:
        raise EngineRefused(_FULL)
    sampling = replace(request.sampling, max_tokens=min(request.sampling.max_tokens, left))
    choice = "none" if number >= MAX_ROUNDS else "auto"
    return replace(request, messages=tuple(messages), sampling=sampling, tool_choice=choice)


async def _execute(
    running: RunningCalls, available_tools: AvailableTools, call: ToolCall, limits: executor.CallLimits
) -> str:
    if running.is_repeated(call):
        return _REPEATED
    return (await executor.execute_call(running, call, available_tools, limits)).text


def _sanitise_call(call: ToolCall) -> ToolCall:
    """Return the call for the message history; arguments that are no JSON become {}, since servers refuse them."""
    try:
        parse_arguments(call.arguments)
    except ToolError:
        return replace(call, arguments="{}")
    return replace(call, arguments=call.arguments.strip() or "{}")


def _count_tokens(messages: list[ChatMessage], count: CountTokens) -> int:
    texts = [message.content + "".join(call.arguments for call in message.calls) for message in messages]
    seen = TOKENS_PER_PICTURE * sum(len(message.pictures) for message in messages)
    return sum(count(texts)) + _OVERHEAD * len(messages) + seen
