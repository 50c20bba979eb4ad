"""Tests of pool tasks with several waiters, and of their follow-ups."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.utils import translation

from apps.lib.concurrency import threads
from apps.lib.concurrency.threads import PoolTask, in_db, in_pool, on_loop, start_in_pool

PATIENCE_S = 20.0


def _held(until: Event, answer: int = 7) -> int:
    assert until.wait(PATIENCE_S)
    return answer


async def test_cancelled_waiter_does_not_end_the_work_for_others() -> None:
    go = Event()
    work = start_in_pool(_held, go)

    async def waits() -> int:
        return await work

    impatient, patient = asyncio.create_task(waits()), asyncio.create_task(waits())
    await asyncio.sleep(0)
    impatient.cancel()
    with suppress(asyncio.CancelledError):
        await impatient
    go.set()
    assert await patient == 7
    assert await work == 7


async def test_follow_up_work_runs_in_the_thread_that_made_the_result() -> None:
    go, made = Event(), []

    def make() -> int:
        made.append(threading.get_ident())
        return _held(go)

    followed = start_in_pool(make).then(lambda number: (number + 1, threading.get_ident()))
    go.set()
    assert await followed == (8, made[0])


async def test_follow_up_of_finished_work_does_not_run_in_the_loop() -> None:
    work = start_in_pool(lambda: 7)
    assert await work == 7
    number, thread = await work.then(lambda number: (number + 1, threading.get_ident()))
    assert number == 8
    assert thread != threading.get_ident()


@pytest.mark.parametrize("first", [True, False], ids=["the work", "what follows"])
async def test_a_failure_is_heard_by_whoever_waits(first: bool) -> None:
    def fails(*_: object) -> int:
        raise ValueError("broken")

    def works(*_: object) -> int:
        return 7

    work: PoolTask[int] = start_in_pool(fails if first else works)
    followed = work.then(works if first else fails)
    with pytest.raises(ValueError, match="broken"):
        await followed
    if not first:
        assert await work == 7


async def test_follow_up_that_asks_the_database_runs_in_a_database_thread() -> None:
    work = start_in_pool(lambda: 7)
    number, name = await work.then_in_db(lambda number: (number + 1, threading.current_thread().name))
    assert number == 8
    assert name.startswith("db")


@pytest.mark.parametrize("first", [True, False], ids=["the work", "what follows"])
async def test_a_failure_before_or_in_the_database_is_heard(first: bool) -> None:
    def fails(*_: object) -> int:
        raise ValueError("broken")

    work: PoolTask[int] = start_in_pool(fails if first else lambda: 7)
    with pytest.raises(ValueError, match="broken"):
        await work.then_in_db(fails)


def test_a_thread_that_has_a_connection_serves_who_asks_the_database_nothing(
    django_db_setup: None, django_db_blocker: Any
) -> None:
    """A thread of `in_db` may have a connection of an earlier test."""
    with django_db_blocker.unblock():
        connection.ensure_connection()
    assert threads._with_connection(lambda: connection.connection is not None)
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        threads._with_connection(connection.cursor)


async def _here() -> tuple[asyncio.AbstractEventLoop, int]:
    return asyncio.get_running_loop(), threading.get_ident()


async def test_sync_code_is_served_by_the_loop_of_its_process() -> None:
    await in_db(int)  # this loop serves
    found = await asyncio.to_thread(on_loop, _here)
    assert found == (asyncio.get_running_loop(), threading.get_ident())


def test_coroutine_without_a_serving_loop_gets_its_own() -> None:
    loop, thread = on_loop(_here)
    assert thread == threading.get_ident() and loop.is_closed()


async def test_a_loop_does_not_wait_for_itself() -> None:
    with pytest.raises(RuntimeError, match="Await it"):
        on_loop(_here)


async def test_exception_on_the_loop_reaches_the_caller() -> None:
    async def fails() -> None:
        raise ValueError("no")

    await in_db(int)
    with pytest.raises(ValueError, match="no"):
        await asyncio.to_thread(on_loop, fails)


async def test_work_in_a_thread_speaks_the_language_of_its_caller() -> None:
    with translation.override("de"):
        assert await in_db(translation.get_language) == await in_pool(translation.get_language) == "de"
