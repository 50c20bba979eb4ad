"""A model that goes on calling when it was told to answer."""

from __future__ import annotations

from typing import cast

import pytest

from apps.conversations.tools.availability import AvailableTools
from apps.conversations.tools.loop import FinishedRound, build_next_request
from apps.conversations.tools.running_calls import RunningCalls
from apps.engines.types import ChatMessage, ChatRequest, EngineRefused, ToolCall

LAST = ChatRequest((ChatMessage("user", "Hello?"),), tool_choice="none")


async def build_after(text: str) -> ChatRequest | None:
    """Return the next request after a round that wrote `text` and asked for a call all the same."""
    ended = FinishedRound(request=LAST, calls=(ToolCall("1", "dates", "{}"),), text=text, start=0)
    running, tools = cast(RunningCalls, None), cast(AvailableTools, {"dates": None})
    return await build_next_request(running, tools, ended, passage_tokens=0)


async def test_text_before_endless_calls_is_the_answer() -> None:
    assert await build_after("It is Thursday.") is None


async def test_answer_of_endless_calls_without_text_fails_with_a_reason() -> None:
    with pytest.raises(EngineRefused, match="gave no answer"):
        await build_after("")
