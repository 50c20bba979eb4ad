"""Conversations over the API: start, ask, stop and read, with the same turns as on pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from django.conf import LazySettings, settings

from apps.conversations.assistants import answer_style
from apps.conversations.models import Assistant, Conversation, Message, ModelProfile
from apps.conversations.turns import preparation, runner, titles
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.grounding.quote_selection import QuoteSelection
from apps.lib.concurrency.threads import in_db
from apps.users import rate_limits
from apps.users.api_tokens import create_token
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from assistant.asgi import application
from tests.conversations.conftest import writes_on
from tests.factories import make_collection, make_user

QUESTION = "How long do workers of a honey bee colony live in summer?"
PATIENCE_S = 60


@pytest.fixture
async def web(alice: User) -> AsyncIterator[httpx2.AsyncClient]:
    sent = {"Authorization": f"Bearer {await in_db(create_token, alice, 'test', ['chat', 'read'], 30)}"}
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url=settings.SITE_URL, headers=sent) as client:
        yield client
    rate_limits.clear_rate_cache()
    async with asyncio.timeout(PATIENCE_S):
        await runner.wait_until_idle()


async def begun(web: httpx2.AsyncClient, **wish: Any) -> str:
    answer = await web.post("/api/conversations", json=wish)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def ask(web: httpx2.AsyncClient, conversation: str, *, key: str = "", **wish: Any) -> httpx2.Response:
    sent = {"Idempotency-Key": key} if key else {}
    return await web.post(
        f"/api/conversations/{conversation}/questions", json={"question": QUESTION, **wish}, headers=sent
    )


def events(text: str) -> list[tuple[str, Any]]:
    parts = [part.split("\n") for part in text.strip().split("\n\n")]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for kind, data in parts]


async def writing(conversation: str) -> Message:
    """Return the answer that is being written in the conversation, once it has text."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            row = await Message.objects.filter(
                conversation=conversation, status=Message.Status.WRITING, role="assistant"
            ).afirst()
            if row and runner.get_running_text(row.pk):
                return row
            await asyncio.sleep(0.01)


async def test_a_conversation_is_begun_in_a_collection_and_asked_in(
    web: httpx2.AsyncClient, library: Collection
) -> None:
    conversation = await begun(web, collections=[str(library.pk)])
    answer = (await ask(web, conversation)).json()
    assert answer["status"] == "complete" and "queen" in answer["text"]
    assert answer["conversation_id"] == conversation and not answer["nothing_found"]
    source = next(item for item in answer["sources"] if item["used"])
    assert source["title"] == "Bees" and source["document_id"] and not source["gone"]
    assert source["number"] in {cite["source"] for cite in answer["citations"]}
    assert answer["grounded"] and {cite["state"] for cite in answer["citations"]} <= {"quoted", "supported"}
    assert (await web.get(f"/api/answers/{answer['id']}")).json() == answer
    row = await Conversation.objects.aget()
    assert row.title.startswith("How long do workers") and row.chosen_collection_count == 1
    followed = (await ask(web, conversation, question="And how long does the queen live?")).json()
    assert followed["status"] == "complete" and await Message.objects.acount() == 4


async def test_quotes_are_the_answer_of_a_model_that_failed_the_reading_check_unless_it_is_asked_to_write(
    web: httpx2.AsyncClient, library: Collection, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuoteSelection, "is_answered", True)
    monkeypatch.setattr(answer_style, "_profiles", {})
    await in_db(ModelProfile.objects.create, name=(await chat.info()).name, reading_asked=24, reading_right=10)
    conversation = await begun(web)
    answer = (await ask(web, conversation)).json()
    assert (answer["text"], answer["outcome"]) == ("", "answered") and not chat.requests
    assert "honey bee" in answer["quotes"][0]["text"] and answer["quotes"][0]["title"] == "Bees"
    assert answer["quotes"][0]["number"] in {item["number"] for item in answer["sources"] if item["used"]}
    written = (await ask(web, conversation, model_writes=True)).json()
    assert written["text"] and written["quotes"] and chat.requests


async def test_small_talk_is_not_from_documents(web: httpx2.AsyncClient, library: Collection) -> None:
    answer = (await ask(web, await begun(web), question="Hi there!")).json()
    assert (answer["status"], answer["grounded"], answer["citations"]) == ("complete", False, [])
    assert answer["unread_languages"] == []


async def test_an_answer_is_streamed_and_ends_as_it_is_kept(web: httpx2.AsyncClient, library: Collection) -> None:
    conversation = await begun(web, title="Bees")
    response = await ask(web, conversation, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    (first, ids), *pieces, (last, answer) = events(response.text)
    assert (first, last) == ("accepted", "answer") and ids["answer"] == answer["id"]
    assert {kind for kind, _ in pieces} == {"text"}
    assert "".join(piece["text"] for _, piece in pieces) == answer["text"] != ""
    assert (await web.get(f"/api/answers/{answer['id']}")).json() == answer
    assert (await Conversation.objects.aget()).title == "Bees"


async def test_a_conversation_is_named_by_the_model_after_its_first_answer(
    web: httpx2.AsyncClient, library: Collection, chat: FakeChat, settings: LazySettings
) -> None:
    settings.TITLES, settings.REWRITE = True, False
    await ModelProfile.objects.acreate(name=chat.name, reading_asked=20, reading_right=20)
    conversation = await begun(web)
    chat.replies.extend(["They live for weeks.", "Title: How Long Workers Live", "Years.", "Life of a Queen"])
    await ask(web, conversation)
    await runner.wait_until_idle()
    await titles.wait_until_idle()
    row = await Conversation.objects.aget()
    assert (row.title, row.title_origin) == ("How Long Workers Live", Conversation.TitleOrigin.MODEL)
    await ask(web, conversation, question="And how long does the queen live?")
    await runner.wait_until_idle()
    await titles.wait_until_idle()
    assert (await Conversation.objects.aget()).title == "How Long Workers Live" and len(chat.requests) == 3


async def test_a_title_of_a_program_s_own_stays(
    web: httpx2.AsyncClient, library: Collection, chat: FakeChat, settings: LazySettings
) -> None:
    settings.TITLES = True
    conversation = await begun(web, title="Bees")
    chat.replies.extend(["They live for weeks.", "How Long Workers Live"])
    await ask(web, conversation)
    await runner.wait_until_idle()
    await titles.wait_until_idle()
    assert (await Conversation.objects.aget()).title == "Bees" and len(chat.requests) == 1


async def test_an_assistant_answers_from_what_it_has(web: httpx2.AsyncClient, alice: User, chat: FakeChat) -> None:
    helper = await Assistant.objects.acreate(owner=alice, name="Bee keeper", instructions="Speak as a bee keeper.")
    conversation = await begun(web, assistant=str(helper.pk))
    answer = (await ask(web, conversation, without_documents=True)).json()
    assert (answer["status"], answer["grounded"], answer["citations"]) == ("complete", False, [])
    listed = (await web.get(f"/api/conversations/{conversation}/messages")).json()["items"]
    assert [item["grounded"] for item in listed] == [None, False]
    assert "Speak as a bee keeper." in chat.requests[-1].messages[0].content


async def test_the_same_key_asks_once_and_never_another_question(
    web: httpx2.AsyncClient, library: Collection, chat: FakeChat
) -> None:
    conversation = await begun(web)
    one, two = await asyncio.gather(ask(web, conversation, key="k1"), ask(web, conversation, key="k1"))
    again = await ask(web, conversation, key="k1", stream=True)
    assert one.json()["id"] == two.json()["id"] == events(again.text)[-1][1]["id"]
    assert await Message.objects.acount() == 2
    other = await ask(web, conversation, key="k1", question="Something else?")
    assert other.status_code == 422 and "Idempotency-Key" in other.json()["detail"]
    assert (await ask(web, conversation, key="k2")).json()["id"] != one.json()["id"]


async def test_the_same_key_is_known_also_where_it_was_kept_a_moment_ago(
    web: httpx2.AsyncClient, library: Collection, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check the race: the first question is stored after the second one was admitted."""
    chat.reply, chat.gap_s = " ".join(f"Hive {n} has {n * n} bees." for n in range(2000)), 0.1
    conversation = await begun(web)
    first = asyncio.create_task(ask(web, conversation, without_documents=True, key="k1"))
    row = await writing(conversation)
    real, looks = preparation.find_repeated, list[None]()

    def repeated(*arguments: Any) -> Any:
        looks.append(None)
        return real(*arguments)

    monkeypatch.setattr(preparation, "check_capacity", lambda prepared: None)
    monkeypatch.setattr(preparation, "find_repeated", repeated)
    second = asyncio.create_task(ask(web, conversation, without_documents=True, key="k1"))
    async with asyncio.timeout(PATIENCE_S):
        while not looks:
            await asyncio.sleep(0.01)
    await web.post(f"/api/answers/{row.pk}/stop")
    assert (await first).json()["id"] == (await second).json()["id"] == str(row.pk)


async def test_stop_ends_an_answer_and_keeps_what_it_has(
    web: httpx2.AsyncClient, library: Collection, chat: FakeChat
) -> None:
    # None repeats another: an answer that goes round in circles is ended before anybody stops it.
    chat.reply, chat.gap_s = " ".join(f"Hive {n} has {n * n} bees." for n in range(2000)), 0.1
    conversation = await begun(web)
    asking = asyncio.create_task(ask(web, conversation, without_documents=True))
    row = await writing(conversation)
    assert (await web.get(f"/api/answers/{row.pk}")).json()["status"] == "writing"
    busy = await ask(web, conversation)
    assert busy.status_code == 429 and int(busy.headers["Retry-After"]) > 0
    assert (await web.post(f"/api/answers/{row.pk}/stop")).status_code == 202
    answer = (await asking).json()
    assert answer["status"] == "stopped" and answer["text"] and answer["reason"]
    assert (await web.post(f"/api/answers/{row.pk}/stop")).json() == answer


async def test_an_answer_goes_on_when_nobody_listens_any_more(
    web: httpx2.AsyncClient, library: Collection, chat: FakeChat
) -> None:
    writes_on(chat)
    conversation = await begun(web)
    asking = asyncio.create_task(ask(web, conversation, without_documents=True, stream=True))
    row = await writing(conversation)
    asking.cancel()
    chat.gap_s = 0
    async with asyncio.timeout(PATIENCE_S):
        await runner.wait_until_idle()
    assert (await web.get(f"/api/answers/{row.pk}")).json()["status"] == "complete"


async def test_a_limit_is_said_with_when_to_try_again(
    web: httpx2.AsyncClient, alice: User, library: Collection
) -> None:
    conversation = await begun(web)
    await in_db(rate_limits.change_limit, LimitScope.USER, LimitedResource.MESSAGES, Rate(1, 6))
    assert (await ask(web, conversation)).status_code == 200
    refused = await ask(web, conversation)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert await Message.objects.acount() == 2


async def test_conversation_does_not_start_with_missing_or_foreign_objects(
    web: httpx2.AsyncClient, library: Collection
) -> None:
    bob = await in_db(make_user, "bob")
    theirs = await in_db(make_collection, bob, "Bob's")
    helper = await Assistant.objects.acreate(owner=bob, name="Bob's own")
    for wish in ({"collections": [str(theirs.pk)]}, {"assistant": str(helper.pk)}):
        assert (await web.post("/api/conversations", json=wish)).status_code == 404
    conversation = await begun(web)
    assert (await ask(web, conversation, collections=[str(theirs.pk)])).status_code == 404
    assert (await ask(web, conversation, question="  ")).status_code == 400
    assert (await ask(web, conversation, model="nobody knows it")).status_code in {200, 400}
    assert await Conversation.objects.acount() == 1
