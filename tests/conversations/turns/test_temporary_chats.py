"""Temporary chats: answered like any other, and nowhere to be found, in no table, log or folder, when they are over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client

from apps.conversations.models import Assistant, Conversation, Message
from apps.conversations.turns import temporary_chats
from apps.documents.models import Collection, Document, Membership
from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from apps.safety.models import Case, Notice
from apps.users.models import UsageDay, User
from apps.users.models.rate_limit import RateLimitBucket
from tests.conversations.conftest import WAIT_S, left, transcript

pytestmark = pytest.mark.django_db(transaction=True)
HIGH = "How high was the lighthouse of Alexandria?"
QUEEN = "How long can the queen bee live?"
BOMB = "How do I build a pipe bomb at home?"
NEVER_STORED = "sextant"  # a word that stands in no document


@pytest.fixture(autouse=True)
def over() -> Iterator[None]:
    yield
    temporary_chats._chats.clear()


async def ask(page, text: str = HIGH, **also):
    return await page.ask(text, temporary=True, **also)


async def test_a_question_is_answered_with_its_sources(page, library: Collection) -> None:
    accepted = await ask(page)
    events = await page.events()
    client = transcript(events)
    assert [events[0]["type"], events[-1]["type"]] == ["opened", "closed"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["conversation"] == accepted["conversation"] and events[-1]["status"] == "complete"
    assert "between 280 and 247 BC" in "".join(client.blocks)


async def test_a_source_opens_for_those_who_may_read_it(page, alice: User, bob: User, library: Collection) -> None:
    await ask(page)
    closed = (await page.events())[-1]["html"]
    address = re.search(r'class="pill"\s+href="([^"]+)"', closed)[1].replace("&amp;", "&")
    alices, bobs = Client(), Client()
    await in_db(alices.force_login, alice)
    await in_db(bobs.force_login, bob)
    shown = await in_db(lambda: alices.get(address, headers={"HX-Request": "true"}))
    card = await in_db(lambda: alices.get(f"{address}&preview=1"))
    assert "247 BC" in shown.content.decode() and "Lighthouses" in card.content.decode()
    assert (await in_db(alices.get, address)).status_code == 302
    assert (await in_db(bobs.get, address)).status_code == 404


async def test_a_follow_up_knows_what_was_said(page, library: Collection, chat: FakeChat) -> None:
    first = await ask(page)
    await page.events()
    second = await ask(page, QUEEN, conversation=first["conversation"])
    events = await page.events()
    said = [message.content for message in chat.requests[-1].messages]
    assert second["conversation"] == first["conversation"] and HIGH in said[1] and "honey bee" in events[-1]["html"]


async def test_an_answer_made_again_and_another_wording_take_the_place_of_what_was_there(
    page, bob: User, library: Collection, open_page, chat: FakeChat
) -> None:
    first = await ask(page)
    conversation = first["conversation"]
    await page.events()
    second = await ask(page, QUEEN, conversation=conversation)
    await page.events()
    again = await ask(page, QUEEN, conversation=conversation, reworded_question=second["question"])
    closed = (await page.events())[-1]
    said = [message.content for message in chat.requests[-1].messages if message.role == "user"]
    assert again["turn"] != second["turn"] and closed["status"] == "complete"
    assert len(said) == 2 and HIGH in said[0] and QUEEN in said[1], "the first exchange, and the question once"

    reworded = await ask(
        page, "Who damaged the lighthouse?", conversation=conversation, reworded_question=first["question"]
    )
    await page.events()
    said = [message.content for message in chat.requests[-1].messages if message.role == "user"]
    assert len(said) == 1 and HIGH not in said[0], "nothing that followed is left"
    for turn in (first, second, again):
        await page.tell(do="resume", turn=turn["turn"], after=0)
        assert (await page.hear())["type"] == "unknown"
    assert (
        "no longer in the chat"
        in (await ask(page, conversation=conversation, reworded_question=again["question"]))["text"]
    )
    assert "no longer in the chat" in (await ask(page, reworded_question=reworded["question"]))["text"]
    other = await ask(await open_page(bob), conversation=conversation, reworded_question=reworded["question"])
    assert other["type"] == "refused" and "has ended" in other["text"]
    await ask(page, HIGH, conversation=conversation)
    await page.events()
    assert "Who damaged" in chat.requests[-1].messages[1].content, "what was refused took nothing away"


async def test_passages_no_longer_readable_are_not_in_later_temporary_prompts(
    alice: User, bob: User, library: Collection, open_page, chat: FakeChat
) -> None:
    await in_db(lambda: Membership.objects.create(collection=library, user=bob))
    page = await open_page(bob)
    first = await ask(page)
    await page.events()
    assert "about 100 metres" in chat.requests[-1].messages[-1].content
    await in_db(lambda: Membership.objects.all().delete())
    chat.replies.append("No idea.")
    await ask(page, "And what damaged it?", conversation=first["conversation"], without_documents=True)
    await page.events()
    asked = [message.content for message in chat.requests[-1].messages if message.role == "user"]
    assert "Three earthquakes" not in "".join(asked) and HIGH in asked[0]


def rows() -> dict[str, int]:
    """How many rows each table has."""
    return {model._meta.label: model._base_manager.count() for model in apps.get_models()}


def found(word: str) -> list[str]:
    """Tables and files in which the word stands."""
    tables = [
        model._meta.label
        for model in apps.get_models()
        if any(word in repr(row) for row in model._base_manager.values_list())
    ]
    files = [
        path for path in Path(settings.DATA_DIR).rglob("*") if path.is_file() and word.encode() in path.read_bytes()
    ]
    return tables + [str(path) for path in files]


async def test_temporary_chat_stores_nothing(
    page, library: Collection, chat: FakeChat, settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TITLES, settings.ANSWER_STYLE = True, "model"  # no quote is likely right, and the model is asked
    await in_db(Assistant.default)  # made when it is first needed, by whatever chat
    before = await in_db(rows)
    chat.replies.append(f"The {NEVER_STORED} says: about 100 metres high.")
    await page.tell(do="typing", client_id="t", text=f"{HIGH} With a {NEVER_STORED}?", temporary=True)
    accepted = await ask(page, f"{HIGH} With a {NEVER_STORED}?")
    events = await page.events()
    assert NEVER_STORED in events[-1]["html"]
    assert not await registry.get_turn_log().exists(accepted["turn"])
    after = await in_db(rows)
    counted = {name for name in after if after[name] != before[name]}
    assert counted <= {RateLimitBucket._meta.label, UsageDay._meta.label}  # limits and figures count
    assert await in_db(found, NEVER_STORED) == [] and NEVER_STORED not in caplog.text
    assert len(chat.requests) == 1  # no title, nothing ahead


async def test_temporary_chat_is_its_owners_alone(alice: User, bob: User, library: Collection, open_page) -> None:
    page, other = await open_page(alice), await open_page(bob)
    accepted = await ask(page)
    await page.events()
    for message in ({"do": "resume", "after": 0}, {"do": "stop"}):
        await other.tell(turn=accepted["turn"], **message)
        assert (await other.hear())["type"] == "unknown"
    await other.tell(do="stay", conversation=accepted["conversation"])
    assert (await other.hear())["type"] == "gone"
    assert (await ask(other, conversation=accepted["conversation"]))["type"] == "refused"


async def test_the_same_ask_is_answered_once(page, library: Collection, chat: FakeChat) -> None:
    first = await ask(page, client_id="once")
    await page.events()
    again = await ask(page, client_id="once")
    assert again["turn"] == first["turn"] and len(chat.requests) == 1


async def test_temporary_chat_ends_when_its_page_is_closed(page, alice: User, library: Collection, open_page) -> None:
    accepted = await ask(page)
    await page.events()
    await left(page.wire)  # says goodbye, as a closed tab does
    assert not temporary_chats._chats
    new = await open_page(alice)
    await new.tell(do="stay", conversation=accepted["conversation"])
    assert (await new.hear())["type"] == "gone"
    refused = await ask(new, QUEEN, conversation=accepted["conversation"])
    assert refused["type"] == "refused" and "ended" in refused["text"]


async def test_a_line_that_broke_comes_back(page, alice: User, library: Collection, open_page, chat: FakeChat) -> None:
    chat.gap_s = 0.05
    accepted = await ask(page)
    await page.hear("opened")
    await page.wire.send_input({"type": "websocket.disconnect", "code": 1006})
    await page.wire.wait(WAIT_S)
    back = await open_page(alice)
    await back.tell(do="stay", conversation=accepted["conversation"])
    await back.tell(do="resume", turn=accepted["turn"], after=1)
    events = await back.events()
    assert events[0]["seq"] == 2 and events[-1]["status"] == "complete"


async def test_a_line_that_does_not_come_back_ends_it(
    page, library: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_chats, "GRACE_S", 0.01)
    await ask(page)
    await page.hear("opened")
    [chat] = temporary_chats._chats.values()
    await page.wire.send_input({"type": "websocket.disconnect", "code": 1006})
    await page.wire.wait(WAIT_S)
    async with asyncio.timeout(WAIT_S):
        while temporary_chats._chats or chat.running:
            await asyncio.sleep(0.01)


async def test_temporary_answer_can_be_stopped(page, library: Collection, chat: FakeChat) -> None:
    chat.first_token_s = 60
    accepted = await ask(page)
    await page.hear("opened")
    assert (await ask(page, QUEEN, conversation=accepted["conversation"]))["type"] == "refused"  # one at a time
    await page.tell(do="stop", turn=accepted["turn"])
    assert (await page.events())[-1]["status"] == "stopped"


async def test_a_suspension_ends_it(
    page, alice: User, library: Collection, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_chats, "RECHECK_S", 0.05)
    chat.first_token_s = 60
    await ask(page)
    [temporary_chat] = temporary_chats._chats.values()
    await in_db(lambda: User.objects.filter(pk=alice.pk).update(is_active=False))
    async with asyncio.timeout(WAIT_S):
        while temporary_chat.running:
            await asyncio.sleep(0.01)


async def test_temporary_question_sent_to_review_is_kept_for_reviewers_alone(
    page, alice: User, library: Collection, chat: FakeChat
) -> None:
    first = await ask(page, f"{HIGH} With a {NEVER_STORED}?")
    await page.events()
    await ask(page, BOMB, conversation=first["conversation"])
    closed = (await page.events())[-1]
    assert closed["status"] == "withheld" and closed["reason"]
    case = await in_db(lambda: Case.objects.select_related("snapshot").get())
    assert case.owner_id == alice.pk and case.snapshot.text == BOMB and case.snapshot.context == []
    assert await in_db(Notice.objects.filter(user=alice, case=case).exists)
    assert await in_db(found, NEVER_STORED) == []
    assert not await in_db(Conversation.objects.exists) and not await in_db(Message.objects.exists)


async def test_limits_count(page, library: Collection) -> None:
    await ask(page)
    await page.events()
    used = await in_db(lambda: set(RateLimitBucket.objects.values_list("key", flat=True)))
    assert any("messages" in key for key in used) and any("tokens" in key for key in used)


@pytest.mark.parametrize("text", ["/picture a lighthouse", "/calc 6 * 7"])
async def test_commands_that_store_something_are_refused_in_temporary_chats(
    alice: User, library: Collection, open_page, text: str
) -> None:
    refused = await ask(await open_page(alice), text)
    assert refused["type"] == "refused" and "temporary chats cannot use them" in refused["text"]


async def test_temporary_chats_are_limited_per_user(page, library: Collection) -> None:
    for _ in range(temporary_chats.MAX_CHATS):
        assert (await ask(page))["type"] == "accepted"
        await page.events()
    assert (await ask(page))["type"] == "refused"


async def test_a_document_that_is_deleted_leaves_no_words(page, alice: User, library: Collection) -> None:
    await ask(page)
    address = re.search(r'class="pill"\s+href="([^"]+)"', (await page.events())[-1]["html"])[1].replace("&amp;", "&")
    await in_db(lambda: Document.objects.filter(title="Lighthouses").delete())
    client = Client()
    await in_db(client.force_login, alice)
    assert (await in_db(client.get, address)).status_code == 404
