"""Contract tests of all chat engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from apps.engines.chat.fake import FakeChat
from apps.engines.chat.openai import OpenAIChat
from apps.engines.chat.openai_payloads import parse_parameter_count
from apps.engines.types import (
    ChatEngine,
    ChatMessage,
    ChatRequest,
    Delta,
    Finish,
    Sampling,
    TokenProb,
    ToolCall,
    Usage,
)  # fmt: skip
from tests.engines.chat.chat_requests import ASK, GOOD, USAGE, collect, text
from tests.engines.chat.scripted_server import DONE, answer, event, serving, stream


@pytest.fixture(params=["fake", "openai"])
async def chat(request: pytest.FixtureRequest) -> AsyncIterator[ChatEngine]:
    if request.param == "fake":
        fake = FakeChat(reply="Hello there.")
        yield fake
        return
    async with serving(GOOD) as server:
        engine = OpenAIChat(server.url)
        yield engine
        await engine.close()


async def test_a_stream_gives_the_text_and_then_its_finish(chat: ChatEngine) -> None:
    items = await collect(chat)
    assert text(items) == "Hello there."
    assert isinstance(items[-1], Finish)
    assert items[-1].reason == "stop"
    assert items[-1].usage is not None
    assert items[-1].usage.completion_tokens == 2
    assert not any(isinstance(item, Finish) for item in items[:-1])


async def test_the_model_is_known_and_answers_a_probe(chat: ChatEngine) -> None:
    info = await chat.info()
    assert info.name
    assert info.context_tokens > 0
    assert info.parameters
    assert await chat.probe() >= 0


async def test_tokens_are_counted_text_by_text(chat: ChatEngine) -> None:
    short, long, none = chat.count(["a", "a much longer text of many words", ""])
    assert none == 0 < short < long


async def test_chat_streams_run_at_once(chat: ChatEngine) -> None:
    assert {text(items) for items in await asyncio.gather(*[collect(chat) for _ in range(8)])} == {"Hello there."}


async def test_the_request_says_what_was_asked_and_nothing_of_the_user() -> None:
    sampling = Sampling(
        max_tokens=5, temperature=0.5, top_p=0.9, seed=7, stop=("END",), repetition_penalty=1.1, logprobs=2
    )
    async with serving(GOOD) as server:
        engine = OpenAIChat(server.url, api_key="internal")
        await collect(engine, ChatRequest(ASK.messages, sampling, cache_salt="alice"))
        await engine.close()
    _, headers, body = server.requests[-1]
    assert body == {
        "model": "test-7B", "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 5,
        "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["END"], "logprobs": True, "top_logprobs": 2,
        "repetition_penalty": 1.1,
        "cache_salt": "alice",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}],
    }  # fmt: skip
    assert headers["authorization"] == "Bearer internal"
    assert set(headers) <= {
        "host",
        "connection",
        "accept",
        "accept-encoding",
        "user-agent",
        "authorization",
        "content-type",
        "content-length",
    }


async def test_vllm_fields_are_not_sent_to_other_servers() -> None:
    async with serving(GOOD) as server:
        server.models = [{"id": "other"}]
        engine = OpenAIChat(server.url)
        await collect(engine, ChatRequest(ASK.messages, Sampling(repetition_penalty=1.1), cache_salt="alice"))
        await engine.close()
    assert not {"cache_salt", "repetition_penalty"} & set(server.chats[0])


async def test_a_cookie_that_the_server_sets_is_never_sent_back() -> None:
    setting = answer(429, {}, "Set-Cookie: who=alice; Path=/")
    async with serving(setting, GOOD) as server:
        engine = OpenAIChat(server.url)
        assert text(await collect(engine)) == "Hello there."
        await engine.close()
    assert not any("cookie" in headers for _, headers, _ in server.requests)


async def test_usage_and_probabilities_are_kept() -> None:
    probability = {
        "token": "Hi",
        "logprob": -0.5,
        "top_logprobs": [{"token": "Hi", "logprob": -0.5}, {"token": "Yo", "logprob": -2}],
    }
    choice = {"delta": {"content": "Hi"}, "finish_reason": None, "logprobs": {"content": [probability]}}
    async with serving(
        stream(event(choices=[choice]), event(None, "length"), event(None, usage=USAGE, choices=[]), DONE)
    ) as server:
        engine = OpenAIChat(server.url)
        items = await collect(engine)
        await engine.close()
    assert items == [
        Delta("Hi", (TokenProb("Hi", -0.5, (("Hi", -0.5), ("Yo", -2.0))),)),
        Finish("length", Usage(11, 2, cached_tokens=8)),
    ]


async def test_tools_are_offered_and_calls_that_come_in_pieces_are_put_together() -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    first = {"index": 0, "id": "call-1", "function": {"name": "add", "arguments": '{"a"'}}
    rest = {"index": 0, "function": {"arguments": ": 1}"}}
    pieces = [
        b"data: " + orjson.dumps({"choices": [{"delta": {"tool_calls": [piece]}, "finish_reason": reason}]}) + b"\n\n"
        for piece, reason in ((first, None), (rest, "tool_calls"))
    ]
    told = ChatMessage("assistant", "", (ToolCall("call-0", "add", "{}"),))
    async with serving(stream(*pieces, DONE)) as server:
        chat = OpenAIChat(server.url)
        request = ChatRequest((ASK.messages[1], told, ChatMessage("tool", "3", call_id="call-0")), tools=(tool,))
        items = await collect(chat, request)
        await chat.close()
    assert items == [Finish("tool_calls", None, (ToolCall("call-1", "add", '{"a": 1}'),))]
    sent = server.requests[-1][2]
    assert sent["tools"] == [tool] and sent["tool_choice"] == "auto"
    assert sent["messages"][1]["tool_calls"][0]["function"] == {"name": "add", "arguments": "{}"}
    assert sent["messages"][2] == {"role": "tool", "content": "3", "tool_call_id": "call-0"}


async def test_events_may_be_cut_anywhere() -> None:
    whole = b": ping\n\n" + event("Grüße, ") + event("Welt") + event(None, "stop") + DONE
    async with serving(stream(*[whole[at : at + 1] for at in range(len(whole))])) as server:
        engine = OpenAIChat(server.url)
        assert text(await collect(engine)) == "Grüße, Welt"
        await engine.close()


async def test_chat_streams_that_are_read_seldom_lose_nothing() -> None:
    parts = [part for n in range(60) for part in (event(f"w{n} "), 0.005)]
    async with serving(stream(*parts, event(None, "stop"), DONE)) as server:
        engine = OpenAIChat(server.url)
        found = await asyncio.gather(*(collect(engine) for _ in range(3)))
        await engine.close()
    assert {text(items) for items in found} == {"".join(f"w{n} " for n in range(60))}


async def test_the_configured_model_is_chosen_among_several() -> None:
    async with serving(GOOD) as server:
        server.models = [{"id": "first-1B"}, {"id": "second-8x7B", "context_length": 32768}]
        engine = OpenAIChat(server.url, model="second-8x7B")
        info = await engine.info()
        await engine.close()
    assert (info.name, info.context_tokens, info.parameters) == ("second-8x7B", 32768, 56_000_000_000)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("SmolLM2-135M-Instruct", 135_000_000), ("meta-llama/Llama-3.2-1B", 1_000_000_000), ("Qwen3-0.6B", 600_000_000),
        ("gpt-oss-20b", 20_000_000_000), ("Qwen3-30B-A3B", 30_000_000_000), ("model-4bit", None), ("gpt-4.1", None),
    ],
)  # fmt: skip
def test_the_size_of_a_model_is_read_from_its_name(name: str, size: int | None) -> None:
    assert parse_parameter_count(name) == size
