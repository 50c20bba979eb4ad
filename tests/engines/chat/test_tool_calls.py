"""Contract tests of tool calls in chat engines: availability, and a call from one request to the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest

from apps.engines.chat.fake import FakeChat
from apps.engines.chat.openai import OpenAIChat
from apps.engines.types import ChatEngine, ChatMessage, EngineUnavailable, Finish, ToolCall
from tests.engines.chat.chat_requests import ASK, GOOD, collect, text
from tests.engines.chat.scripted_server import DONE, answer, serving, stream

TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
CALL = ToolCall("call-1", "add", '{"a": 1}')
_PIECE = {"index": 0, "id": CALL.id, "function": {"name": CALL.name, "arguments": CALL.arguments}}
CALLING = stream(
    b"data: "
    + orjson.dumps({"choices": [{"delta": {"tool_calls": [_PIECE]}, "finish_reason": "tool_calls"}]})
    + b"\n\n",
    DONE,
)


@pytest.fixture(params=["fake", "openai"])
async def chat(request: pytest.FixtureRequest) -> AsyncIterator[ChatEngine]:
    if request.param == "fake":
        fake = FakeChat(reply="Hello there.")
        fake.tools = True
        fake.calls.append((CALL,))
        yield fake
        return
    async with serving(CALLING, CALLING, GOOD) as server:  # the first is the question whether it takes tools
        engine = OpenAIChat(server.url)
        yield engine
        await engine.close()


async def test_a_call_ends_one_request_and_its_result_goes_into_the_next(chat: ChatEngine) -> None:
    assert await chat.supports_tools()
    request = replace(ASK, tools=(TOOL,))
    finish = (await collect(chat, request))[-1]
    assert isinstance(finish, Finish) and finish.calls == (CALL,) and finish.reason == "tool_calls"
    said = (ChatMessage("assistant", "", finish.calls), ChatMessage("tool", "1", call_id=CALL.id))
    items = await collect(chat, replace(request, messages=(*request.messages, *said), tool_choice="none"))
    assert text(items) == "Hello there." and isinstance(items[-1], Finish) and items[-1].calls == ()


async def test_a_server_is_asked_once_whether_it_takes_tools() -> None:
    async with serving(GOOD) as server:
        engine = OpenAIChat(server.url)
        assert (
            all(await asyncio.gather(*(engine.supports_tools() for _ in range(20)))) and await engine.supports_tools()
        )
        await engine.close()
    (asked,) = server.chats
    assert asked["max_tokens"] == 1 and asked["tool_choice"] == "auto" and len(asked["tools"]) == 1


async def test_a_server_that_refuses_tools_is_offered_none_and_goes_on_answering(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusal = answer(400, {"error": {"message": '"auto" tool choice requires --enable-auto-tool-choice', "code": 400}})
    async with serving(refusal, GOOD) as server:
        engine = OpenAIChat(server.url)
        assert not await engine.supports_tools() and not await engine.supports_tools()
        assert text(await collect(engine)) == "Hello there."
        await engine.close()
    assert len(server.chats) == 2 and caplog.messages == [], "that it takes none is no trouble to be logged"


async def test_a_server_that_breaks_over_tools_counts_as_taking_none_for_a_while() -> None:
    async with serving(answer(500, {"error": "tools"}), GOOD) as server:
        engine = OpenAIChat(server.url)
        assert not await engine.supports_tools() and not await engine.supports_tools()
        assert text(await collect(engine)) == "Hello there."
        await engine.close()
    assert len(server.chats) == 2


async def test_server_is_not_probed_where_tools_are_switched_off() -> None:
    engine = OpenAIChat("http://127.0.0.1:1/v1", tools=False)
    assert not await engine.supports_tools()
    await engine.close()


async def test_a_server_that_is_away_says_nothing_of_tools() -> None:
    engine = OpenAIChat("http://127.0.0.1:1/v1")
    with pytest.raises(EngineUnavailable):
        await engine.supports_tools()
    await engine.close()
    fake = FakeChat()
    fake.unavailable = True
    with pytest.raises(EngineUnavailable):
        await fake.supports_tools()
