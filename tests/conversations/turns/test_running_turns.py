"""Turns of a process are counted while they run, and measured by how they end."""

from __future__ import annotations

import asyncio

import pytest

from apps.conversations.turns import ephemeral, retrieval, running_turns
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.engines.types import EngineRefused
from apps.lib import metrics
from apps.users.models import UsageDay, User

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


def read(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


async def test_an_answer_is_measured_by_surface_and_outcome(page, library: Collection) -> None:
    turns = {"surface": "chat", "outcome": "complete"}
    names = ("openbook_turn_seconds_count", "openbook_search_seconds_count")
    before = [read("openbook_turns_total", **turns), *map(read, names)]
    await page.ask(QUESTION)
    await page.events()
    await asyncio.sleep(0.1)
    assert read("openbook_turns_total", **turns) == before[0] + 1
    assert read(names[0]) == before[1] + 1 and read(names[1]) > before[2]
    assert read("openbook_turns_running") == running_turns.count_running() == 0
    assert read("openbook_sockets") == 1
    assert "lighthouse" not in metrics.render_process_metrics().decode().casefold()


async def test_an_error_of_an_engine_is_counted_by_its_kind(
    page, library: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise EngineRefused("The index refused.")

    before = read("openbook_engine_errors_total", kind="EngineRefused")
    monkeypatch.setattr(retrieval, "retrieve_passages", broken)
    await page.ask(QUESTION)
    assert (await page.events())[-1]["status"] == "failed"
    assert read("openbook_engine_errors_total", kind="EngineRefused") == before + 1


async def test_an_answer_that_its_listener_leaves_counts_as_stopped(
    alice: User, library: Collection, chat: FakeChat
) -> None:
    stopped = {"surface": "api", "outcome": "stopped"}
    before = read("openbook_turns_total", **stopped)
    turn = await ephemeral.prepare_ephemeral_turn(alice, QUESTION, (), (library.pk,))
    events = ephemeral.stream_events(turn)
    await anext(events)
    assert running_turns.count_running() == 1
    await events.aclose()
    assert read("openbook_turns_total", **stopped) == before + 1 and running_turns.count_running() == 0


async def test_an_answer_counts_as_used_with_its_model_wherever_it_was_asked(
    page, alice: User, library: Collection
) -> None:
    for temporary in (False, True):
        await page.ask(QUESTION, temporary=temporary)
        await page.events()
    turn = await ephemeral.prepare_ephemeral_turn(alice, QUESTION, (), (library.pk,))
    async for _ in ephemeral.stream_events(turn):
        pass
    row = await UsageDay.objects.aget(user=alice)
    assert row.questions == 3 and row.model == "fake-1B" and row.tokens > 0
