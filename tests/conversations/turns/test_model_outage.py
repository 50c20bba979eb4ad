"""A model server that is away: the question waits and is answered when it is back; stop and retry work meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from apps.conversations.models import Message
from apps.conversations.turns import model_queue, runner
from apps.engines import registry
from apps.engines.types import EngineBusy, EngineUnavailable
from tests.conversations.conftest import WAIT_S, writes_on

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_queue, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(model_queue, "LONGEST_PAUSE_S", 0.05)


async def test_the_answer_begins_by_itself_when_the_server_is_back(page, library, chat) -> None:
    chat.unavailable = True
    accepted = await page.ask(QUESTION)
    assert accepted["type"] == "accepted", "the question is kept"
    assert "is not responding" in (await page.hear("waiting"))["text"]
    chat.unavailable = False
    events = await page.events()
    assert events[-1]["status"] == "complete" and "waiting" not in [event["type"] for event in events]


async def test_a_busy_server_is_asked_again(page, library, chat) -> None:
    chat.fail = EngineBusy("Later.")
    _, events = await page.ask_to_end(QUESTION)
    assert [event["text"] for event in events if event["type"] == "waiting"] != []
    assert events[-1]["status"] == "complete" and len(chat.requests) == 2


async def test_stop_works_while_waiting_and_retry_afterwards(page, library, chat) -> None:
    chat.unavailable = True
    accepted = await page.ask(QUESTION)
    await page.hear("waiting")
    await page.tell(do="stop", turn=accepted["turn"])
    assert (await page.events())[-1]["status"] == "stopped"
    chat.unavailable = False
    await page.retry(accepted["turn"], "complete")
    assert await Message.objects.filter(role="user").acount() == 1


async def test_patience_has_an_end(page, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(model_queue, "MAX_RETRY_S", 0.05)
    chat.unavailable = True
    accepted = await page.ask(QUESTION)
    closed = (await page.events())[-1]
    assert (closed["status"], closed["reason"]) == ("failed", "The model server does not answer.")
    assert (await Message.objects.select_related("parent").aget(pk=accepted["turn"])).parent.text == QUESTION


async def test_a_turn_that_waits_keeps_its_lease(page, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(runner, "CHECKPOINT_S", 0.02)
    chat.unavailable = True
    accepted = await page.ask(QUESTION)
    await page.hear("waiting")
    row = Message.objects.filter(pk=accepted["turn"])
    before = (await row.aget()).lease_until
    async with asyncio.timeout(WAIT_S):
        while (await row.aget()).lease_until == before:
            await asyncio.sleep(0.02)
    assert (await row.aget()).lease_until > before


async def test_turns_beyond_the_places_of_the_model_queue_wait_with_their_position(
    open_page, alice, library, chat, monkeypatch
) -> None:
    monkeypatch.setattr(model_queue, "_queues", {registry.list_chat_models()[0].server: model_queue.ModelQueue(1)})
    writes_on(chat)
    page, other = await open_page(alice), await open_page(alice)
    await page.ask(QUESTION)
    await page.hear("text")
    await other.ask(QUESTION)
    waits = []
    while not waits:
        waits += [step["text"] for step in [await other.hear("step")] if step["name"] == "wait"]
    chat.gap_s = 0
    waits += [event["text"] for event in await other.events() if event.get("name") == "wait"]
    assert waits == ["Waiting for the model, position 1 in the queue", "Waited for the model"]
    assert (await page.events())[-1]["status"] == "complete"


class _Slow:
    """A turn whose log takes its time, as one on another machine does."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.fails = False

    async def emit_step(self, name: str, words: str, ms: float | None = None) -> None:
        await asyncio.sleep(0.02)
        if self.fails and ms is not None:
            raise EngineUnavailable("The log does not answer.")
        self.said.append(words)


async def _through(queue: model_queue.ModelQueue, turn: _Slow, seconds: float = 0.0) -> None:
    async with queue.place(turn):
        await asyncio.sleep(seconds)


async def test_a_place_that_gets_free_while_the_waiting_is_told_is_not_missed() -> None:
    queue = model_queue.ModelQueue(1)
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        group.create_task(_through(queue, _Slow(), 0.01))
        await asyncio.sleep(0)
        group.create_task(_through(queue, _Slow()))


async def test_a_turn_that_ends_at_the_door_gives_its_place_back() -> None:
    queue, turn = model_queue.ModelQueue(1), _Slow()
    turn.fails = True
    async with asyncio.timeout(WAIT_S):
        first = asyncio.create_task(_through(queue, _Slow(), 0.1))
        await asyncio.sleep(0)
        with pytest.raises(EngineUnavailable):
            await _through(queue, turn)
        await first
        await _through(queue, _Slow())
