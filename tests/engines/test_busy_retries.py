"""Tests of patience with a busy server: how long is waited, when it ends, and what the servers' headers say."""

from __future__ import annotations

import asyncio

import pytest

from apps.engines.busy_retries import ask_patiently, read_retry_after
from apps.engines.chat.openai import OpenAIChat
from apps.engines.judge.openai import OpenAIJudge
from apps.engines.types import EngineBusy, EngineRefused
from tests.engines.chat.chat_requests import collect
from tests.engines.chat.scripted_server import answer, serving


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for, in seconds; none is waited."""
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr("apps.engines.busy_retries.asyncio.sleep", sleep)
    return asked


class Asked:
    """Question that meets one error after the other, then is answered."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "the answer"


async def test_a_busy_server_is_asked_again_ever_later_or_when_it_says(pauses: list[float]) -> None:
    busy = EngineBusy("busy")
    asked = Asked(busy, busy, busy, EngineBusy("busy", 17.0), EngineBusy("busy", 0.0))
    assert await ask_patiently(asked) == "the answer"
    assert pauses == [2.0, 4.0, 8.0, 17.0, 2.0]


async def test_patience_ends_and_other_errors_are_no_reason_to_wait(pauses: list[float]) -> None:
    with pytest.raises(EngineBusy):
        await ask_patiently(Asked(*[EngineBusy("busy")] * 99))
    assert 240 < sum(pauses) <= 300 and max(pauses) == 60.0
    pauses.clear()
    with pytest.raises(EngineBusy):
        await ask_patiently(Asked(EngineBusy("busy until tomorrow", 86_400.0)))
    with pytest.raises(EngineRefused):
        await ask_patiently(Asked(EngineRefused("no")))
    assert pauses == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("30", 30.0), ("0", 0.0), ("Fri, 31 Dec 2027 23:59:59 GMT", None), ("²", None)],
)
def test_the_header_counts_seconds(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header) == seconds


async def test_chat_and_judge_pass_on_when_their_server_wants_to_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.engines.chat.openai._PAUSE_S", 0.01)
    async with serving(answer(429, {}, "Retry-After: 7")) as server:
        chat = OpenAIChat(server.url)
        for ask in (collect(chat), OpenAIJudge(server.url, "judge", "chat").judge([], ["It rains."])):
            with pytest.raises(EngineBusy) as caught:
                await asyncio.wait_for(ask, 10)
            assert caught.value.retry_after_s == 7.0
        await chat.close()
