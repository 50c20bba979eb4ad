"""A model that goes on calling when it was told to answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from apps.conversations.tools.loop import build_next_request
from apps.engines.types import ChatMessage, ChatRequest, EngineRefused, ToolCall

LAST = ChatRequest((ChatMessage("user", "Hello?"),), tool_choice="none")


def turn(text: str) -> Any:
    return SimpleNamespace(
        requested_calls=(ToolCall("1", "dates", "{}"),), available_tools={"dates": None}, text=text, rounds=5
    )


async def test_text_before_endless_calls_is_the_answer() -> None:
    assert await build_next_request(turn("It is Thursday."), LAST, 0) is None


async def test_answer_of_endless_calls_without_text_fails_with_a_reason() -> None:
    with pytest.raises(EngineRefused, match="gave no answer"):
        await build_next_request(turn(""), LAST, 0)
