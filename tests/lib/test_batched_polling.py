"""Tests that one query per round serves all waiters."""

from __future__ import annotations

import asyncio

from django.db import OperationalError

from apps.lib.concurrency.batched_polling import BatchedPoller


async def test_batched_polling_asks_about_all_at_once_and_returns_what_ended() -> None:
    asked: list[list[str]] = []

    async def ask(values: list[str]) -> list[bool]:
        asked.append(values)
        return [value != "b" for value in values]

    rounds = BatchedPoller(lambda: 0.01, ask)
    waiting = {value: asyncio.create_task(rounds.wait_until_over(value)) for value in "abc"}
    await asyncio.wait_for(waiting["b"], 5)
    assert asked[0] == ["a", "b", "c"]
    assert not waiting["a"].done() and not waiting["c"].done()
    for task in waiting.values():
        task.cancel()
    await asyncio.wait(list(waiting.values()))
    await asyncio.sleep(0.05)
    count = len(asked)
    await asyncio.sleep(0.05)
    assert len(asked) == count, "nobody waits, and nothing is asked"


async def test_a_database_that_is_away_ends_nothing_and_is_asked_again() -> None:
    answers = iter([OperationalError("away"), KeyError("a defect"), [True], [False]])

    async def ask(values: list[int]) -> list[bool]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    await asyncio.wait_for(BatchedPoller(lambda: 0.001, ask).wait_until_over(1), 5)
    assert next(answers, None) is None


async def test_batched_polling_starts_again_after_all_waiters_had_left() -> None:
    async def ask(values: list[int]) -> list[bool]:
        return [False] * len(values)

    rounds = BatchedPoller(lambda: 0.001, ask)
    for number in range(3):
        await asyncio.wait_for(rounds.wait_until_over(number), 5)
