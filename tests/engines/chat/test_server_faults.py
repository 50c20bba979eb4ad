"""Tests of the chat engine against faulty model servers."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from apps.engines.chat.openai import OpenAIChat
from apps.engines.types import (
    EngineBroken,
    EngineBusy,
    EngineError,
    EngineRefused,
    EngineUnavailable,
)  # fmt: skip
from tests.engines.chat.chat_requests import ASK, GOOD, collect, text
from tests.engines.chat.scripted_server import Play, answer, event, serving, stream

SOON_S = 60  # on any machine


async def fails(play: Play, **options: Any) -> EngineError:
    async with serving(play) as server:
        engine = OpenAIChat(server.url, **options)
        with pytest.raises(EngineError) as caught:
            await collect(engine)
        await engine.close()
    return caught.value


async def test_closing_the_stream_drops_the_request_at_the_server() -> None:
    async with serving(stream(event("one "), 30.0)) as server:
        engine = OpenAIChat(server.url)
        async with aclosing(engine.stream(ASK)) as items:
            async for _ in items:
                break
        async with asyncio.timeout(SOON_S):
            while not server.dropped:
                await asyncio.sleep(0.01)
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
    "play",
    [stream(600.0, event("late")), stream(event("begun "), 600.0), stream(b": ping\n\n", 0.15, b": ping\n\n", 600.0)],
)
async def test_a_server_that_hangs_is_not_waited_for_longer_than_the_limit(play: Play) -> None:
    error = await asyncio.wait_for(fails(play, first_token_s=0.2, gap_s=0.2), SOON_S)
    assert isinstance(error, EngineUnavailable)
    assert "too long" in str(error)


async def test_an_answer_without_end_is_ended_by_the_clock() -> None:
    endless = stream(*[event("a ") if n % 2 else 0.02 for n in range(10_000)])
    error = await asyncio.wait_for(fails(endless, total_s=0.3), SOON_S)
    assert isinstance(error, EngineUnavailable)


async def test_circuit_opens_after_repeated_failures_until_a_call_succeeds() -> None:
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
