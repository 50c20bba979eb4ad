"""The rows of a turn are stored while the model reads. Nothing is shown before; what cannot be kept has no answer."""

from __future__ import annotations

import asyncio
import threading

import pytest

from apps.conversations.errors import RequestRefused
from apps.conversations.models import Message
from apps.conversations.turns import preparation, retrieval, runner
from apps.conversations.turns.quotes import begin_selection
from tests.conversations.conftest import WAIT_S

QUESTION = "How high was the lighthouse of Alexandria?"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def storage_gate(monkeypatch):
    """Storing waits until this is set."""
    go, keep = threading.Event(), preparation.save_question

    def waiting(opened):
        go.wait(WAIT_S)
        return keep(opened)

    monkeypatch.setattr(preparation, "save_question", waiting)
    yield go
    go.set()


async def test_a_question_reaches_the_model_and_the_page_once_its_rows_are_stored(
    page, library, chat, storage_gate
) -> None:
    await page.tell(do="ask", client_id="1", conversation=None, text=QUESTION)
    assert await page.silent()
    assert not chat.requests and await Message.objects.acount() == 0
    storage_gate.set()
    await page.hear("accepted")
    types = [event["type"] for event in await page.events()]
    assert types.index("sources") < types.index("text") and types[-1] == "closed"
    assert await Message.objects.answers().filter(status=Message.Status.COMPLETE, text__gt="").acount() == 1


async def test_a_turn_that_cannot_be_stored_is_refused_and_the_model_is_not_asked(
    page, library, chat, monkeypatch
) -> None:
    def full(opened):
        raise RequestRefused("There is no room.")

    monkeypatch.setattr(preparation, "save_question", full)
    refused = await page.ask(QUESTION)
    assert refused["type"] == "refused" and refused["text"] == "There is no room."
    async with asyncio.timeout(WAIT_S):
        await runner.wait_until_idle()
    assert not chat.requests and await Message.objects.acount() == 0


async def test_a_search_that_takes_long_does_not_keep_a_question_waiting(page, library, chat, monkeypatch) -> None:
    go = asyncio.Event()

    async def search(*given):
        await go.wait()
        return await once(*given)

    once = retrieval._search
    monkeypatch.setattr(retrieval, "_search", search)
    assert (await page.ask(QUESTION))["type"] == "accepted"
    assert await Message.objects.acount() == 2
    go.set()
    assert (await page.events())[-1]["status"] == "complete"


async def test_a_question_too_many_does_not_reach_the_model(open_page, alice, library, chat) -> None:
    chat.first_token_s = 600
    pages = [await open_page(alice) for _ in range(preparation.MAX_RUNNING)]
    accepted = [await page.ask(QUESTION) for page in pages]
    assert (await pages[0].ask(QUESTION))["type"] == "refused"
    assert (await pages[0].ask(QUESTION, conversation=accepted[0]["conversation"]))["type"] == "refused"
    async with asyncio.timeout(WAIT_S):
        while len(chat.requests) < preparation.MAX_RUNNING:  # rows are stored before the request leaves
            await asyncio.sleep(0.005)
    for answer in accepted:
        await runner.stop_turn(answer["turn"])
    await runner.wait_until_idle()
    assert len(chat.requests) == preparation.MAX_RUNNING


async def test_event_nothing_found_is_sent_once_the_question_is_stored(
    page, library, chat, storage_gate, monkeypatch
) -> None:
    monkeypatch.setattr("apps.conversations.turns.quotes.begin_selection", begin_selection)
    await page.tell(do="ask", client_id="1", conversation=None, text="xylophone zugzwang quokka")
    assert await page.silent()
    storage_gate.set()
    await page.hear("accepted")
    said = [event["type"] for event in await page.events()]
    assert "nothing" in said and said[-1] == "closed", said
