"""The sweep of the web process survives any error of one job, and does the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from apps.conversations.history import conversation_actions
from apps.conversations.models import Conversation, Message
from apps.conversations.turns import question_queue, recovery
from apps.engines import registry
from apps.engines.types import EngineUnavailable
from apps.lib import periodic_jobs
from apps.lib.concurrency.threads import in_db
from apps.users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.DATA_DIR = str(tmp_path)
    monkeypatch.setattr(recovery, "SWEEP_INTERVAL_S", 0.02)
    periodic_jobs.clear_records()
    yield
    periodic_jobs.clear_records()


def dead_turn(owner: User) -> Message:
    conversation = Conversation.objects.create(owner=owner)
    asked = Message.objects.create(
        conversation=conversation, role="user", text="Why?", asked_by=owner, client_id=uuid4().hex
    )
    return Message.objects.create(
        conversation=conversation, parent=asked, role="assistant", status="writing", text="So far", asked_by=owner,
        lease_token="of the dead", lease_until="2020-01-01T00:00Z",
    )  # fmt: skip


def locked(*_: object) -> Any:
    raise OperationalError("database is locked")


async def until(what: Any) -> None:
    async with asyncio.timeout(20):
        while not await what():
            await asyncio.sleep(0.02)


async def closed(turn: Message) -> bool:
    return (await Message.objects.aget(pk=turn.pk)).status == Message.Status.INTERRUPTED


@pytest.mark.parametrize(
    "broken", ["_make_closed_event", "close_orphaned_turns", "find_ready_conversations", "purge_deleted", "go_on"]
)
async def test_database_error_does_not_end_the_sweep(alice: User, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    asked: list[UUID] = []
    left = uuid4()

    async def go_on(conversation: UUID) -> None:
        if broken == "go_on" and not asked:
            asked.append(conversation)
            locked()
        asked.append(conversation)

    owner = {
        "_make_closed_event": recovery,
        "close_orphaned_turns": recovery,
        "find_ready_conversations": question_queue,
        "purge_deleted": conversation_actions,
    }.get(broken)
    monkeypatch.setattr(question_queue, "find_ready_conversations", lambda: [left])
    real = getattr(owner, broken, None)
    calls = iter([True, True])

    def once(*args: Any) -> Any:
        return locked() if next(calls, False) else real(*args)  # type: ignore[misc]

    if owner is not None:
        monkeypatch.setattr(owner, broken, once)
    await in_db(dead_turn, alice)
    sweeping = asyncio.create_task(recovery.run_sweeper(go_on, lambda: conversation_actions.purge_deleted()))

    async def later_than(count: int) -> bool:
        return len(asked) > count

    await until(lambda: later_than(3))
    later = await in_db(dead_turn, alice)
    await until(lambda: closed(later))
    assert not sweeping.done()
    monkeypatch.setattr(recovery, "SWEEP_INTERVAL_S", 3600)
    before = len(asked)
    await until(lambda: later_than(before))  # no thread sweeps any more, in the next test either
    sweeping.cancel()


async def test_a_conversation_that_cannot_go_on_keeps_no_other_waiting(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, well = uuid4(), uuid4()
    asked = []

    async def go_on(conversation: UUID) -> None:
        if conversation == broken:
            raise KeyError("what nobody has foreseen")
        asked.append(conversation)

    monkeypatch.setattr(question_queue, "find_ready_conversations", lambda: [broken, well])
    await recovery.run_jobs_once(go_on, conversation_actions.purge_deleted, {})
    assert asked == [well]
    late = periodic_jobs.find_overdue(time.time() + 300)
    failing = [one for one in late if one.error]
    assert [one.name for one in failing] == ["ask queued questions"] and "nobody has foreseen" in failing[0].error


async def test_followers_of_a_dead_turn_are_told_when_the_log_is_back(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = await in_db(dead_turn, alice)
    log = registry.get_turn_log()
    await log.append(str(turn.pk), b"{}")
    untold: dict[UUID, str] = {}

    async def go_on(conversation: UUID) -> None: ...

    async def away(_: str) -> bool:
        raise EngineUnavailable("The log does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(log, "exists", away)
        await recovery.run_jobs_once(go_on, conversation_actions.purge_deleted, untold)
    assert await closed(turn) and list(untold) == [turn.pk]
    await recovery.run_jobs_once(go_on, conversation_actions.purge_deleted, untold)
    assert untold == {}
    entries = [entry.data async for entry in log.tail(str(turn.pk))]
    assert any(b"interrupted" in entry for entry in entries)


async def test_turn_whose_log_is_finished_is_announced_once(alice: User) -> None:
    turn = await in_db(dead_turn, alice)
    log = registry.get_turn_log()
    await log.append(str(turn.pk), b"{}")
    await log.finish(str(turn.pk))
    untold: dict[UUID, str] = {}

    async def go_on(conversation: UUID) -> None: ...

    await recovery.run_jobs_once(go_on, conversation_actions.purge_deleted, untold)
    assert await closed(turn) and untold == {}
