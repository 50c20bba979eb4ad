"""Contract tests of turn logs: numbers without gaps, readers that miss nothing, a stop from any process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.engines.turnlog.memory import MemoryTurnLog
from apps.engines.turnlog.redis import RedisTurnLog
from apps.engines.types import EngineRefused, EngineUnavailable, TurnLog, TurnLogEntry

KINDS = [pytest.param("memory", id="memory"), pytest.param("redis", id="redis", marks=pytest.mark.redis)]
SOON_S = 60  # on any machine


def build(kind: str, request: pytest.FixtureRequest, **options: Any) -> TurnLog:
    if kind == "memory":
        return MemoryTurnLog(**options)
    return RedisTurnLog(request.getfixturevalue("redis_url"), **options)


@pytest.fixture(params=KINDS)
async def log(request: pytest.FixtureRequest) -> AsyncIterator[TurnLog]:
    log = build(request.param, request)
    yield log
    if isinstance(log, RedisTurnLog):
        await log.close()


@pytest.fixture
def turn() -> str:
    return str(uuid4())


async def collect(log: TurnLog, turn: str, after: int = 0) -> list[TurnLogEntry]:
    async with aclosing(log.tail(turn, after)) as entries:  # type: ignore[type-var]
        return [entry async for entry in entries]


async def begun(log: TurnLog, turn: str) -> asyncio.Task[list[TurnLogEntry]]:
    """Start a reader and return once it has the first event; the task returns all events at the end."""
    first = asyncio.Event()

    async def follow() -> list[TurnLogEntry]:
        async with aclosing(log.tail(turn)) as entries:  # type: ignore[type-var]
            return [entry async for entry in entries if first.set() is None]

    task = asyncio.create_task(follow())
    await asyncio.wait_for(first.wait(), SOON_S)
    return task


async def test_events_are_numbered_from_one_without_gaps(log: TurnLog, turn: str) -> None:
    assert [await log.append(turn, data) for data in (b"a", b"", b"\x00\xff")] == [1, 2, 3]
    assert await log.read(turn) == [TurnLogEntry(1, b"a"), TurnLogEntry(2, b""), TurnLogEntry(3, b"\x00\xff")]
    assert await log.read(turn, 2) == [TurnLogEntry(3, b"\x00\xff")]
    assert await log.read(turn, 9) == []


async def test_appends_at_once_get_numbers_of_their_own(log: TurnLog, turn: str) -> None:
    assert sorted(await asyncio.gather(*[log.append(turn, b"x") for _ in range(50)])) == list(range(1, 51))


async def test_an_unknown_turn_is_empty_and_its_tail_ends_at_once(log: TurnLog, turn: str) -> None:
    assert await log.read(turn) == []
    assert not await log.exists(turn)
    assert await asyncio.wait_for(collect(log, turn), SOON_S) == []


async def test_a_tail_gives_what_is_there_and_then_what_comes(log: TurnLog, turn: str) -> None:
    await log.append(turn, b"1")
    reader = asyncio.create_task(collect(log, turn))
    await asyncio.sleep(0.05)
    await log.append(turn, b"2")
    await log.finish(turn)
    assert [entry.data for entry in await asyncio.wait_for(reader, SOON_S)] == [b"1", b"2"]


async def test_a_tail_after_the_end_replays_and_ends(log: TurnLog, turn: str) -> None:
    await log.append(turn, b"1")
    await log.append(turn, b"2")
    await log.finish(turn)
    assert [entry.data for entry in await asyncio.wait_for(collect(log, turn, 1), SOON_S)] == [b"2"]
    assert await asyncio.wait_for(collect(log, turn, 2), SOON_S) == []
    assert await asyncio.wait_for(collect(log, turn, 7), SOON_S) == []


async def test_event_after_the_end_is_refused(log: TurnLog, turn: str) -> None:
    await log.append(turn, b"1")
    await log.finish(turn)
    await log.finish(turn)
    with pytest.raises(EngineRefused):
        await log.append(turn, b"2")
    assert [entry.data for entry in await log.read(turn)] == [b"1"]


@pytest.mark.parametrize("ended", [True, False])
async def test_retraction_replaces_all_events_by_one(log: TurnLog, turn: str, ended: bool) -> None:
    for data in (b"one", b"two", b"three"):
        await log.append(turn, data)
    if ended:
        await log.finish(turn)
    assert await log.retract(turn, b"taken") == 4
    for after in range(4):
        assert await log.read(turn, after) == [TurnLogEntry(4, b"taken")]
        assert await asyncio.wait_for(collect(log, turn, after), SOON_S) == [TurnLogEntry(4, b"taken")]
    assert await log.read(turn, 4) == [] and await asyncio.wait_for(collect(log, turn, 4), SOON_S) == []
    with pytest.raises(EngineRefused):
        await log.append(turn, b"more")
    await log.finish(turn)
    assert await log.retract(turn, b"again") == 5
    assert await asyncio.wait_for(collect(log, turn), SOON_S) == [TurnLogEntry(5, b"again")]


async def test_reader_of_a_retracted_turn_gets_the_retraction_and_the_end(log: TurnLog, turn: str) -> None:
    await log.append(turn, b"one")
    reader = await begun(log, turn)
    await log.retract(turn, b"taken")
    assert await asyncio.wait_for(reader, SOON_S) == [TurnLogEntry(1, b"one"), TurnLogEntry(2, b"taken")]


async def test_taking_back_what_is_not_there_keeps_nothing(log: TurnLog, turn: str) -> None:
    assert await log.retract(turn, b"taken") == 0
    assert not await log.exists(turn) and await log.read(turn) == []


async def test_forgotten_turn_is_as_if_it_had_never_been(log: TurnLog, turn: str) -> None:
    await log.forget(turn)
    await log.append(turn, b"one")
    reader = await begun(log, turn)
    await log.retract(turn, b"taken")
    await log.forget(turn)
    heard = await asyncio.wait_for(reader, SOON_S)
    assert heard in ([TurnLogEntry(1, b"one"), TurnLogEntry(2, b"taken")], [TurnLogEntry(1, b"one")])
    assert not await log.exists(turn) and await asyncio.wait_for(collect(log, turn), SOON_S) == []
    assert await log.append(turn, b"anew") == 1


async def test_turns_do_not_see_each_other(log: TurnLog, turn: str) -> None:
    await log.append(turn, b"mine")
    assert await log.read(str(uuid4())) == []


async def test_a_reader_that_leaves_disturbs_nobody(log: TurnLog, turn: str) -> None:
    await log.append(turn, b"1")
    async with aclosing(log.tail(turn)) as entries:  # type: ignore[type-var]
        async for _ in entries:
            break
    stays = asyncio.create_task(collect(log, turn))
    gone = asyncio.create_task(collect(log, turn))
    await asyncio.sleep(0.05)
    gone.cancel()
    await log.append(turn, b"2")
    await log.finish(turn)
    assert len(await asyncio.wait_for(stays, SOON_S)) == 2


async def test_a_stop_arrives_whether_asked_before_or_while_waiting(log: TurnLog, turn: str) -> None:
    waiting = asyncio.create_task(log.wait_stop(turn))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await log.append(turn, b"1")
    await log.request_stop(turn)
    await log.request_stop(turn)
    await asyncio.wait_for(waiting, SOON_S)
    await asyncio.wait_for(log.wait_stop(turn), SOON_S)


async def test_a_stop_alone_makes_no_turn(log: TurnLog, turn: str) -> None:
    await log.request_stop(turn)
    assert not await log.exists(turn)
    assert await asyncio.wait_for(collect(log, turn), SOON_S) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_turn_is_kept_for_a_while_after_its_end(kind: str, request: pytest.FixtureRequest, turn: str) -> None:
    log = build(kind, request, keep_s=1.0)
    await log.append(turn, b"1")
    ended = time.monotonic()
    await log.finish(turn)
    assert await log.exists(turn) or time.monotonic() - ended > 1.0, "a busy machine may pause for so long"
    async with asyncio.timeout(SOON_S):
        while await log.exists(turn):
            await asyncio.sleep(0.1)
    assert await log.read(turn) == []
    if isinstance(log, RedisTurnLog):
        await log.close()


@pytest.mark.redis
async def test_two_processes_share_one_log(redis_url: str, turn: str) -> None:
    writer, reader = RedisTurnLog(redis_url), RedisTurnLog(redis_url)
    await writer.append(turn, b"1")
    tail = asyncio.create_task(collect(reader, turn))
    waiting = asyncio.create_task(writer.wait_stop(turn))
    await asyncio.sleep(0.05)
    await reader.request_stop(turn)
    await asyncio.wait_for(waiting, SOON_S)
    await writer.finish(turn)
    assert [entry.data for entry in await asyncio.wait_for(tail, SOON_S)] == [b"1"]
    await writer.close()
    await reader.close()


@pytest.fixture
async def redis_log(redis_url: str) -> AsyncIterator[RedisTurnLog]:
    log = RedisTurnLog(redis_url)
    yield log
    await log.close()


async def cut_connections(log: RedisTurnLog) -> None:
    """Close the pooled connections on the side of Redis, as its restart does."""
    await log._client().client_kill_filter(_type="normal", skipme=True)
    await asyncio.sleep(0.1)


@pytest.mark.redis
async def test_connections_that_a_restart_cut_fail_no_command(redis_log: RedisTurnLog, turn: str) -> None:
    await asyncio.gather(*[redis_log.append(turn, b"x") for _ in range(5)])  # several pooled connections
    await cut_connections(redis_log)
    assert sorted(await asyncio.gather(*[redis_log.append(turn, b"y") for _ in range(5)])) == list(range(6, 11))
    await cut_connections(redis_log)
    await redis_log.request_stop(turn)
    await asyncio.wait_for(redis_log.wait_stop(turn), SOON_S)


@pytest.mark.redis
async def test_append_repeated_after_appends_of_another_writer_is_written_once(
    redis_log: RedisTurnLog, turn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.engines.turnlog.redis._make_mark", lambda: "same")
    assert await redis_log.append(turn, b"mine") == 1
    monkeypatch.undo()
    assert [await redis_log.append(turn, b"theirs") for _ in range(3)] == [2, 3, 4]
    await redis_log.finish(turn)
    monkeypatch.setattr("apps.engines.turnlog.redis._make_mark", lambda: "same")
    assert await redis_log.append(turn, b"mine") == 1
    assert [entry.data for entry in await redis_log.read(turn)] == [b"mine", *[b"theirs"] * 3]


@pytest.mark.redis
async def test_repeated_retraction_counts_once(
    redis_log: RedisTurnLog, turn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await redis_log.append(turn, b"one")
    monkeypatch.setattr("apps.engines.turnlog.redis._make_mark", lambda: "same")
    assert [await redis_log.retract(turn, b"taken") for _ in range(2)] == [2, 2]
    assert await redis_log.read(turn) == [TurnLogEntry(2, b"taken")]


@pytest.mark.redis
async def test_writer_goes_on_with_its_numbers_after_redis_lost_the_log(redis_log: RedisTurnLog, turn: str) -> None:
    for data in (b"1", b"2"):
        await redis_log.append(turn, data)
    await redis_log._client().delete(redis_log._log(turn))
    assert await redis_log.append(turn, b"3") == 3
    reader = asyncio.create_task(collect(redis_log, turn, 2))
    late = await asyncio.wait_for(collect(redis_log, turn), SOON_S)
    assert late == [], "a reader that would miss events fetches the stored answer instead"
    await redis_log.finish(turn)
    assert await asyncio.wait_for(reader, SOON_S) == [TurnLogEntry(3, b"3")]


@pytest.mark.redis
async def test_reader_of_a_lost_log_ends_when_another_writer_begins_anew(redis_url: str, turn: str) -> None:
    writer, other = RedisTurnLog(redis_url), RedisTurnLog(redis_url)
    for _ in range(3):
        await writer.append(turn, b"x")
    await writer._client().delete(writer._log(turn))
    await other.append(turn, b"closed")
    assert await asyncio.wait_for(collect(writer, turn, 3), SOON_S) == []
    await writer.close()
    await other.close()


@pytest.mark.redis
async def test_wait_for_a_stop_is_cancelled_while_the_connection_is_made(redis_url: str, turn: str) -> None:
    async def stopped(steps: int) -> bool:
        log = RedisTurnLog(redis_url)
        waiting = asyncio.create_task(log.wait_stop(turn))
        for _ in range(steps):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting], timeout=SOON_S)
        await log.close()
        return waiting.cancelled()

    assert all(await asyncio.gather(*map(stopped, range(20))))


async def test_a_redis_that_is_away_is_said_to_be_away(turn: str) -> None:
    log = RedisTurnLog("redis://127.0.0.1:9/0")
    with pytest.raises(EngineUnavailable):
        await log.append(turn, b"1")
    await log.close()


async def test_retraction_makes_room_in_the_memory_log() -> None:
    log = MemoryTurnLog(max_turn_bytes=100, max_bytes=150)
    await log.append("old", b"x" * 90)
    await log.retract("old", b"y")
    await log.append("new", b"x" * 90)
    assert await log.exists("old") and log._bytes == 91
    await log.forget("old")
    assert log._bytes == 90


async def test_the_memory_log_is_bounded() -> None:
    log = MemoryTurnLog(max_turn_bytes=100, max_bytes=150)
    await log.append("old", b"x" * 90)
    await log.finish("old")
    await log.append("new", b"x" * 90)
    assert not await log.exists("old")
    with pytest.raises(EngineRefused):
        await log.append("new", b"x" * 20)
    assert await log.exists("new")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    events=st.lists(st.binary(max_size=20), min_size=1, max_size=12),
    joins=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=4),
)
def test_reader_that_joins_leaves_and_resumes_gets_the_same_bytes(
    kind: str, request: pytest.FixtureRequest, events: list[bytes], joins: list[tuple[int, int, int]]
) -> None:
    """Each reader joins after some events, leaves after some, and resumes after the last one it saw."""

    async def reader(log: TurnLog, turn: str, leave: int) -> list[TurnLogEntry]:
        seen: list[TurnLogEntry] = []
        async with aclosing(log.tail(turn)) as entries:  # type: ignore[type-var]
            async for entry in entries:
                seen.append(entry)
                if len(seen) == leave:
                    break
            else:
                return seen
        return seen + await collect(log, turn, seen[-1].seq)

    async def run() -> None:
        log, turn = build(kind, request), str(uuid4())
        tasks = []
        for at, event in enumerate(events):
            await log.append(turn, event)
            tasks += [
                asyncio.create_task(reader(log, turn, leave))
                for join, leave, _ in joins
                if min(join, len(events) - 1) == at
            ]
            await asyncio.sleep(0)
        await log.finish(turn)
        everything = [TurnLogEntry(seq, data) for seq, data in enumerate(events, 1)]
        for seen in await asyncio.wait_for(asyncio.gather(*tasks), SOON_S):
            assert seen == everything
        for _, _, after in joins:
            assert await collect(log, turn, after) == everything[after:]
        if isinstance(log, RedisTurnLog):
            await log.close()

    asyncio.run(run())
