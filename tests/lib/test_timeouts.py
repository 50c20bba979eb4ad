"""Tests of a timeout that is entered repeatedly."""

from __future__ import annotations

import asyncio

import pytest

from apps.lib.concurrency.timeouts import TimeLimit, await_within
from tests.support.virtual_clock import run_on_virtual_clock


@run_on_virtual_clock
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


@run_on_virtual_clock
async def test_nothing_is_watched_between_two() -> None:
    limit = TimeLimit(0.03)
    with limit:
        pass
    await asyncio.sleep(0.1)


@run_on_virtual_clock
async def test_whoever_is_cancelled_is_cancelled_and_not_late() -> None:
    async def within() -> None:
        with TimeLimit(5):
            await asyncio.sleep(5)

    task = asyncio.create_task(within())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@run_on_virtual_clock
async def test_another_error_stays_what_it_is_and_two_at_once_are_refused() -> None:
    limit = TimeLimit(1)
    with pytest.raises(ValueError, match="mine"), limit:
        raise ValueError("mine")
    with limit, pytest.raises(RuntimeError, match="one task"), limit:
        pass


@run_on_virtual_clock
async def test_what_has_its_result_at_once_is_not_watched_and_all_else_is() -> None:
    limit = TimeLimit(0.1)

    async def at_once(value: int) -> int:
        return value

    assert await await_within(limit, at_once(3)) == 3 and limit._timer is None
    assert await await_within(0.1, asyncio.sleep(0.01, 4)) == 4
    assert await await_within(limit, asyncio.sleep(0.01, 5)) == 5
    for one in (limit, 0.05):
        with pytest.raises(TimeoutError):
            await await_within(one, asyncio.sleep(5))
    task = asyncio.current_task()
    assert task is not None and not task.cancelling()


@run_on_virtual_clock
async def test_what_is_awaited_within_a_limit_sees_errors_and_results_as_ever() -> None:
    loop, seen = asyncio.get_running_loop(), []

    async def steps(first: asyncio.Future[str], second: asyncio.Future[str]) -> str:
        try:
            seen.append(await first)
            seen.append(await second)
        except ValueError as error:
            return f"{error} after {seen.pop()}"
        finally:
            seen.append("ended")
        return "both"

    one, other = loop.create_future(), loop.create_future()
    loop.call_soon(one.set_result, "one")
    loop.call_soon(other.set_exception, ValueError("two"))
    assert await await_within(5, steps(one, other)) == "two after one"
    with pytest.raises(KeyError):
        await await_within(5, _raising())
    task = asyncio.create_task(await_within(5, steps(loop.create_future(), one)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["ended", "ended"]


async def _raising() -> None:
    raise KeyError
