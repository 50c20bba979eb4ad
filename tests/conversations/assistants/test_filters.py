"""Filters are kept with the conversation and said wherever an answer says what was searched."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apps.conversations.models import Conversation, Message
from apps.documents.models import Document
from apps.lib.concurrency.threads import in_db
from tests.factories import get_page, make_client

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


@pytest.fixture
def kinds(library) -> None:
    Document.objects.filter(title="Lighthouses").update(kind="pdf", language="en", path="sea/old")


async def ask(page: Any, **also: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    turn = await page.ask(QUESTION, **also)
    assert turn["type"] == "accepted", turn
    return turn, await page.events()


async def test_filters_hold_for_the_conversation_until_others_are_chosen(open_page, alice, kinds, chat) -> None:
    page = await open_page(alice)
    first, events = await ask(page, filters={"kinds": ["pdf"], "path": "sea"})
    assert any(event["type"] == "sources" for event in events)
    assert "Searched Handbook (PDF, in sea), read" in str(events)
    conversation = first["conversation"]
    assert (await Conversation.objects.aget(pk=conversation)).filters == {"kinds": ["pdf"], "path": "sea"}
    assert "PDF, in sea" in await in_db(get_page, alice, f"/answers/{first['turn']}/behind/")
    assert "&quot;words&quot;:&quot;in sea&quot;" in await in_db(get_page, alice, f"/c/{conversation}/")

    _, events = await ask(page, conversation=conversation)
    assert "(PDF, in sea)" in str(events), "left out, they hold"
    _, events = await ask(page, conversation=conversation, filters={})
    assert "Searched Handbook, read" in str(events)
    assert (await Conversation.objects.aget(pk=conversation)).filters == {}


async def test_a_filter_that_leaves_no_document_says_so(open_page, alice, kinds, chat) -> None:
    page = await open_page(alice)
    turn, events = await ask(page, filters={"kinds": ["image"], "since": "2026-05-01"})
    said = next(event["html"] for event in events if event["type"] == "nothing")
    assert "No document matches the filters." in said and "Search without filters" in said
    assert "Filters: Picture, from May 1, 2026." in said
    shown = await in_db(get_page, alice, f"/c/{turn['conversation']}/")
    assert "No document matches the filters." in shown, "a reload says the same"
    assert not chat.requests


async def test_empty_search_result_names_the_filters(open_page, alice, kinds, chat) -> None:
    page = await open_page(alice)
    turn = await page.ask("Which composer wrote the opera Wozzeck?", filters={"languages": ["en"]})
    said = next(event["html"] for event in await page.events() if event["type"] == "nothing")
    assert "I found nothing about this in your documents." in said and "Filters: English." in said, turn


async def test_a_new_answer_is_searched_as_the_page_has_it_now(open_page, alice, kinds, chat) -> None:
    page = await open_page(alice)
    turn, _ = await ask(page, filters={"kinds": ["image"]})
    await page.tell(do="retry", turn=turn["turn"], client_id="again", filters={})
    assert any(event["type"] == "sources" for event in await page.events())
    assert (await Conversation.objects.aget(pk=turn["conversation"])).filters == {}


async def test_a_queued_question_keeps_its_filters(open_page, alice, kinds, chat) -> None:
    page = await open_page(alice)
    first, _ = await ask(page)
    await page.tell(
        do="queue", client_id="later", conversation=first["conversation"], text=QUESTION, filters={"kinds": ["image"]}
    )
    await page.hear("queued")
    answers = Message.objects.filter(conversation=first["conversation"], parent__client_id="later")
    ended = answers.exclude(status=Message.Status.WRITING)
    async with asyncio.timeout(60):
        while not await ended.aexists():
            await asyncio.sleep(0.02)
    assert (await ended.aget()).nothing_found


async def test_unreadable_filters_are_refused_and_store_no_conversation(open_page, alice, kinds, chat) -> None:
    page = await open_page(alice)
    refused = await page.ask(QUESTION, filters={"kinds": ["exe"]})
    assert refused["type"] == "refused" and "filters could not be read" in refused["text"]
    assert not await Conversation.objects.aexists()


async def test_a_copy_of_a_conversation_keeps_its_owners_filters(open_page, alice, kinds, chat) -> None:
    page = await open_page(alice)
    turn, _ = await ask(page, filters={"path": "sea"})

    def fork() -> list[dict[str, Any]]:
        client = make_client(alice)
        client.post(f"/c/{turn['conversation']}/fork/", {"at": turn["turn"]})
        return list(Conversation.objects.values_list("filters", flat=True))

    assert await in_db(fork) == [{"path": "sea"}] * 2
