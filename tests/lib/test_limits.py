"""A limit of time that is entered again and again."""

from __future__ import annotations

import asyncio

import pytest

from apps.lib.limits import TimeLimit


async def test_what_takes_too_long_ends_with_an_error_and_the_next_has_its_own_time() -> None:
    limit = TimeLimit(0.1)
    for _ in range(4):
        with limit:
            await asyncio.sleep(0.04)  # together longer than the limit
    with pytest.raises(TimeoutError), limit:
        await asyncio.sleep(5)
    with limit:
        await asyncio.sleep(0.01)
    task = asyncio.current_task()
    assert task is not None and not task.cancelling()


async def test_nothing_is_watched_between_two() -> None:
    limit = TimeLimit(0.03)
    with limit:
        pass
    await asyncio.sleep(0.1)


async def test_whoever_is_cancelled_is_cancelled_and_not_late() -> None:
    async def within() -> None:
        with TimeLimit(5):
            await asyncio.sleep(5)

    task = asyncio.create_task(within())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_another_error_stays_what_it_is_and_two_at_once_are_refused() -> None:
    limit = TimeLimit(1)
    with pytest.raises(ValueError, match="mine"), limit:
        raise ValueError("mine")
    with limit, pytest.raises(RuntimeError, match="one task"), limit:
        pass
