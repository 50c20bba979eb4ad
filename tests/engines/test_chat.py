"""What every chat engine promises, and how the one for real servers meets servers that behave badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from apps.engines.base import (
    ChatEngine,
    ChatMessage,
    ChatRequest,
    Delta,
    EngineBroken,
    EngineBusy,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    Finish,
    Sampling,
    TokenProb,
    Usage,
)  # fmt: skip
from apps.engines.chat.fake import FakeChat
from apps.engines.chat.openai import OpenAIChat
from apps.engines.chat.wire import parameters
from tests.engines.wire_server import DONE, Play, answer, event, serving, stream

USAGE = {"prompt_tokens": 11, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}}
GOOD = stream(event("Hello "), event("there."), event(None, "stop"), event(None, usage=USAGE, choices=[]), DONE)
ASK = ChatRequest((ChatMessage("system", "Be brief."), ChatMessage("user", "Hello?")))


async def collect(chat: ChatEngine, request: ChatRequest = ASK) -> list[Delta | Finish]:
    async with aclosing(chat.stream(request)) as items:  # type: ignore[type-var]
        return [item async for item in items]


def text(items: list[Delta | Finish]) -> str:
    return "".join(item.text for item in items if isinstance(item, Delta))


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


async def fails(play: Play, **options: Any) -> EngineError:
    async with serving(play) as server:
        engine = OpenAIChat(server.url, **options)
        with pytest.raises(EngineError) as caught:
            await collect(engine)
        await engine.close()
    return caught.value


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


async def test_many_streams_run_at_once(chat: ChatEngine) -> None:
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
        "accept",
        "accept-encoding",
        "user-agent",
        "authorization",
        "content-type",
        "content-length",
    }


async def test_what_only_vllm_knows_is_not_sent_to_other_servers() -> None:
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


async def test_events_may_be_cut_anywhere() -> None:
    whole = b": ping\n\n" + event("Grüße, ") + event("Welt") + event(None, "stop") + DONE
    async with serving(stream(*[whole[at : at + 1] for at in range(len(whole))])) as server:
        engine = OpenAIChat(server.url)
        assert text(await collect(engine)) == "Grüße, Welt"
        await engine.close()


async def test_one_connection_serves_one_question_after_the_other() -> None:
    async with serving(GOOD) as server:
        engine = OpenAIChat(server.url)
        for _ in range(4):
            await collect(engine)
        await engine.close()
    assert server.connections == 1


async def test_closing_the_stream_drops_the_request_at_the_server() -> None:
    async with serving(stream(event("one "), 30.0)) as server:
        engine = OpenAIChat(server.url)
        async with aclosing(engine.stream(ASK)) as items:
            async for _ in items:
                break
        for _ in range(100):
            await asyncio.sleep(0.01)
            if server.dropped:
                break
        assert server.dropped == 1
        await engine.close()


async def test_a_busy_server_is_asked_again_before_the_first_token_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.engines.chat.openai._PAUSE_S", 0.01)
    async with serving(answer(503, {}), answer(429, {}), GOOD) as server:
        engine = OpenAIChat(server.url)
        assert text(await collect(engine)) == "Hello there."
        assert len(server.chats) == 3
        server.plays = [answer(429, {})]
        with pytest.raises(EngineBusy):
            await collect(engine)
        assert len(server.chats) == 6
        busy_later = b'data: {"error": {"message": "queue full", "code": 429}}\n\n'
        server.plays = [stream(event("begun "), busy_later)]
        with pytest.raises(EngineBusy):
            await collect(engine)
        assert len(server.chats) == 7
        await engine.close()


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (answer(404, {"error": {"message": "The model `x` does not exist."}}), EngineRefused),
        (answer(400, {"message": "This model's maximum context length is 999 tokens."}), EngineRefused),
        (answer(401, {"error": "no"}), EngineRefused),
        (answer(500, b"secret trace of the prompt"), EngineUnavailable),
        (answer(302, b"", "Location: http://example.org/"), EngineBroken),
        (answer(200, b"<html>a sign-in page</html>", "Content-Type: text/html"), EngineBroken),
        (stream(b"data: {broken\n\n"), EngineBroken),
        (stream(b"<html>\n\n"), EngineBroken),
        (stream(b'data: {"choices": "none"}\n\n'), EngineBroken),
        (stream(b'data: {"choices": [{"delta": {"content": 5}}]}\n\n'), EngineBroken),
        (stream(b"data: []\n\n"), EngineBroken),
        (stream(b"data: " + b"x" * 1_500_000), EngineBroken),
        (stream(b'data: {"error": {"message": "maximum context length", "code": 400}}\n\n'), EngineRefused),
        (stream(event("half"), end=False), EngineUnavailable),
        (stream(event("half")), EngineUnavailable),
        (stream(end=False), EngineUnavailable),
    ],
)
async def test_a_server_that_errs_is_described_in_one_sentence(play: Play, kind: type[EngineError]) -> None:
    error = await fails(play)
    assert type(error) is kind
    assert str(error).endswith(".")
    assert "secret" not in str(error)


async def test_a_server_that_is_away_is_unavailable() -> None:
    engine = OpenAIChat("http://127.0.0.1:9/v1")
    for call in (engine.info(), engine.probe(), collect(engine)):
        with pytest.raises(EngineUnavailable, match="does not answer"):
            await call
    await engine.close()


@pytest.mark.parametrize(
    "play", [stream(5.0, event("late")), stream(event("begun "), 5.0), stream(b": ping\n\n", 0.15, b": ping\n\n", 5.0)]
)
async def test_a_server_that_hangs_is_not_waited_for_longer_than_the_limit(play: Play) -> None:
    error = await asyncio.wait_for(fails(play, first_token_s=0.2, gap_s=0.2), 2)
    assert isinstance(error, EngineUnavailable)
    assert "too long" in str(error)


async def test_an_answer_without_end_is_ended_by_the_clock() -> None:
    error = await asyncio.wait_for(fails(stream(*[event("a ") if n % 2 else 0.02 for n in range(400)]), total_s=0.3), 3)
    assert isinstance(error, EngineUnavailable)


async def test_after_repeated_failures_nobody_waits_until_one_call_finds_it_back() -> None:
    async with serving(stream(end=False)) as server:
        engine = OpenAIChat(server.url)
        for _ in range(4):
            with pytest.raises(EngineUnavailable):
                await collect(engine)
        assert len(server.chats) == 3
        server.plays = [GOOD]
        assert await engine.probe() > 0
        assert text(await collect(engine)) == "Hello there."
        await engine.close()


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
    assert parameters(name) == size
