"""Contract tests of beam search in chat engines: availability, the likeliest text in one piece, and clear refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest

from apps.engines.chat.fake import FakeChat
from apps.engines.chat.http_errors import TOO_LONG
from apps.engines.chat.openai import OpenAIChat
from apps.engines.types import ChatEngine, ChatRequest, Delta, EngineRefused, EngineUnavailable, Finish, Sampling
from tests.engines.chat.chat_requests import ASK, GOOD, USAGE, collect, text
from tests.engines.chat.scripted_server import DONE, answer, event, serving, stream


def beams(width: int = 4, **more: object) -> ChatRequest:
    return replace(ASK, sampling=Sampling(beams=width, logprobs=5, temperature=0.9, top_p=0.9, top_k=5, seed=1, **more))  # type: ignore[arg-type]


def choice(index: int, content: str | None, reason: str | None = None) -> bytes:
    said = {"index": index, "delta": {} if content is None else {"content": content}, "finish_reason": reason}
    return b"data: " + orjson.dumps({"choices": [said]}) + b"\n\n"


# As vLLM sends them: each beam whole, in events of its own, the likeliest under the number 0.
BEAMS = stream(
    choice(0, ""), choice(1, ""), choice(0, "Hello there.", "stop"), choice(1, "Hello, you.", "length"),
    event(None, usage=USAGE, choices=[]), DONE,
)  # fmt: skip


@pytest.fixture(params=["fake", "openai"])
async def chat(request: pytest.FixtureRequest) -> AsyncIterator[ChatEngine]:
    if request.param == "fake":
        fake = FakeChat(reply="Hello there.")
        fake.beams = 8
        yield fake
        return
    async with serving(BEAMS) as server:
        engine = OpenAIChat(server.url)
        yield engine
        await engine.close()


@pytest.fixture(params=["fake", "openai", "another server"])
async def without(request: pytest.FixtureRequest) -> AsyncIterator[ChatEngine]:
    """Server without beam search."""
    if request.param == "fake":
        yield FakeChat(reply="Hello there.")
        return
    async with serving(answer(400, {"error": {"message": "Unknown parameter: 'use_beam_search'"}})) as server:
        if request.param == "another server":
            server.models, server.plays = [{"id": "other"}], [GOOD]
        engine = OpenAIChat(server.url)
        yield engine
        await engine.close()


async def test_the_likeliest_text_comes_at_once_and_without_probabilities(chat: ChatEngine) -> None:
    assert await chat.supports_beams()
    items = await collect(chat, beams())
    assert [type(item) for item in items] == [Delta, Finish] and text(items) == "Hello there."
    assert isinstance(items[0], Delta) and items[0].logprobs == ()
    assert isinstance(items[1], Finish) and items[1].reason == "stop" and items[1].usage is not None


async def test_a_server_without_it_is_not_offered_and_refuses_in_words(without: ChatEngine) -> None:
    assert not await without.supports_beams()
    with pytest.raises(EngineRefused, match="Clear “Beams” under Advanced"):
        await collect(without, beams())


async def test_beams_beyond_the_limit_are_refused_also_within_the_stream() -> None:
    fake = FakeChat()
    fake.beams = 2
    with pytest.raises(EngineRefused, match="this number of beams"):
        await collect(fake, beams(4))
    said = {"error": {"message": "Requested sample logprobs of 16, which is greater than max allowed: 5", "code": 400}}
    async with serving(stream(b"data: " + orjson.dumps(said) + b"\n\n", DONE)) as server:
        engine = OpenAIChat(server.url)
        with pytest.raises(EngineRefused, match="this number of beams"):
            await collect(engine, beams(8))
        await engine.close()


async def test_refusal_for_a_cause_other_than_beams_keeps_its_reason() -> None:
    async with serving(answer(400, {"error": {"message": "maximum context length is 10 tokens"}})) as server:
        engine = OpenAIChat(server.url)
        with pytest.raises(EngineRefused, match=TOO_LONG):
            await collect(engine, beams())
        await engine.close()


async def test_beam_search_request_has_only_fields_that_beam_search_knows() -> None:
    async with serving(BEAMS) as server:
        engine = OpenAIChat(server.url)
        await collect(
            engine, replace(beams(4, max_tokens=9, repetition_penalty=1.5, stop=("END",)), cache_salt="alice")
        )
        await engine.close()
    (sent,) = server.chats
    assert {name: value for name, value in sent.items() if name != "messages"} == {
        "model": "test-7B", "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 9,
        "temperature": 0.0, "use_beam_search": True, "n": 4, "cache_salt": "alice",
    }  # fmt: skip


async def test_stop_words_hold_although_the_server_does_not_look_for_them() -> None:
    async with serving(BEAMS) as server:
        engine = OpenAIChat(server.url)
        items = await collect(engine, beams(stop=("there", "lo")))
        await engine.close()
    assert text(items) == "Hel" and isinstance(items[-1], Finish) and items[-1].reason == "stop"


async def test_a_server_is_asked_once_and_one_that_is_away_says_nothing() -> None:
    async with serving(BEAMS) as server:
        engine = OpenAIChat(server.url)
        assert (
            all(await asyncio.gather(*(engine.supports_beams() for _ in range(20)))) and await engine.supports_beams()
        )
        await engine.close()
    (asked,) = server.chats
    assert (asked["max_tokens"], asked["n"], asked["use_beam_search"]) == (1, 2, True)
    engine, fake = OpenAIChat("http://127.0.0.1:1/v1"), FakeChat()
    fake.unavailable = True
    for away in (engine, fake):
        with pytest.raises(EngineUnavailable):
            await away.supports_beams()
    await engine.close()


async def test_beam_search_answer_is_waited_for_longer_than_a_first_word() -> None:
    late = stream(0.3, choice(0, "Hello there.", "stop"), DONE)
    async with serving(late) as server:
        engine = OpenAIChat(server.url, first_token_s=0.1)
        assert text(await collect(engine, beams())) == "Hello there."
        await engine.close()
