"""All that an administrator says of the site's own assistant holds in chats where nobody chose another."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.conversations.models import Conversation, Message
from apps.conversations.models.assistant import Assistant
from apps.conversations.turns import ephemeral
from apps.documents.models import Collection, Membership
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import make_client, make_collection, make_document, make_user
from tests.support.chat_models import BIG, get_fake_engine, offer_model
from tests.support.pages import strip_layout

QUESTION = "How long do workers live in summer?"
OWN = {
    "name": "Openbook", "style": "automatic", "preset": "creative", "seed": "7", "version": "1", "model": BIG,
    "starters": "What is a wasp?", "instructions": "Be kind.",
}  # fmt: skip


@pytest.fixture
def wasps(alice: User, settings: Settings) -> Collection:
    """What Alice may read of bees and wasps; the site's own assistant answers of wasps, by its model, creatively."""
    ada = make_user("ada", User.Role.ADMINISTRATOR)
    bees, wasps = make_collection(ada, "Bees"), make_collection(ada, "Wasps")
    make_document(bees, "Bees", ["A honey bee colony has one queen. Workers live about six weeks in summer."])
    make_document(wasps, "Wasps", ["A wasp queen begins her colony alone. Workers of wasps live two weeks in summer."])
    Membership.objects.bulk_create(Membership(collection=collection, user=alice) for collection in (bees, wasps))
    offer_model(settings)
    client = make_client(ada)
    own = Assistant.default()
    assert client.post(f"/assistants/{own.pk}/", OWN | {"collections": wasps.pk}).status_code == 302
    return wasps


def shown(client: Client, path: str) -> dict[str, str]:
    """What the composer of a page has checked and filled in, which is what it sends with a question."""
    page = strip_layout(client.get(path).content.decode())
    boxes = re.findall(r'<input type="radio" name="(preset|model)" id="[^"]*" value="([^"]*)"[^>]*? checked', page)
    seed = re.search(r'data-control="seed"[^>]*? value="([^"]*)"', page)
    places = re.search(r'data-scope-words="([^"]*)"', page)
    assert seed and places
    return {**dict(boxes), "seed": seed[1], "places": places[1], "page": page}


def _said(composer: dict[str, str]) -> dict[str, str]:
    return {name: composer[name] for name in ("preset", "seed")}


def heeded(answer: Message) -> None:
    """The last question went to the assistant's model, in its manner, with what its collections say."""
    assert isinstance(get_fake_engine(), FakeChat)
    request = get_fake_engine().requests[-1]
    assert (request.sampling.temperature, request.sampling.seed) == (0.9, 7)
    given = " ".join(message.content for message in request.messages)
    assert "Wasps" in given and "Bees" not in given
    assert "Be kind." in request.messages[0].content and answer.model == "big-70B"


async def test_site_assistant_settings_hold_where_nothing_is_chosen(
    open_page: Callable[..., Any], alice: User, wasps: Collection
) -> None:
    page = await open_page(alice)
    answer = await page.get_answer(QUESTION, collections=[], status="complete")
    heeded(answer)
    row = await Conversation.objects.aget()
    assert row.assistant_id is None and row.sampling == {}, "what changes there later changes here too"
    heeded(await page.get_answer(QUESTION, conversation=str(row.pk), status="complete"))
    await page.tell(do="retry", turn=str(answer.pk), client_id="again")
    again = await page.hear("accepted")
    await page.events()
    heeded(await Message.objects.aget(pk=again["turn"]))


async def test_chat_page_offers_and_sends_the_settings_of_the_site_assistant(
    open_page: Callable[..., Any], alice: User, wasps: Collection
) -> None:
    client = Client()
    await in_db(client.force_login, alice)
    for path in ("/", "/temporary/"):
        new = await in_db(shown, client, path)
        assert (new["preset"], new["model"], new["seed"]) == ("creative", BIG, "7")
        assert new["places"] == "1 collection" and "those of Openbook are searched" in new["page"]
        assert "What is a wasp?" in new["page"]
    page = await open_page(alice)
    row = await page.get_answer(QUESTION, collections=[], sampling=_said(new), model=new["model"], status="complete")
    heeded(row)
    later = await in_db(shown, client, f"/c/{row.conversation_id}/")
    assert (later["preset"], later["model"], later["seed"]) == ("creative", BIG, "7")
    assert later["places"] == "1 collection" and "checked" not in later["page"].split("data-scope>")[1][:800]


async def test_user_choices_override_the_site_assistant(
    open_page: Callable[..., Any], alice: User, wasps: Collection, chat: FakeChat
) -> None:
    bees = await Collection.objects.aget(name="Bees")
    page = await open_page(alice)
    await page.get_answer(
        QUESTION, collections=[str(bees.pk)], sampling={"preset": "precise"}, model="main", status="complete"
    )
    request = chat.requests[-1]
    assert request.sampling.temperature == 0 and "Bees" in request.messages[-1].content


async def test_temporary_chats_and_programs_are_answered_likewise(
    open_page: Callable[..., Any], alice: User, wasps: Collection
) -> None:
    page = await open_page(alice)
    assert (await page.ask(QUESTION, temporary=True))["type"] == "accepted"
    await page.events()
    assert (
        "Bees" not in get_fake_engine().requests[-1].messages[-1].content
        and get_fake_engine().requests[-1].sampling.seed == 7
    )
    turn = await ephemeral.prepare_ephemeral_turn(alice, QUESTION, (), (), instructions="Say arr.")
    said = "".join([piece async for piece in ephemeral.stream_text(turn)])
    request = get_fake_engine().requests[-1]
    assert "wasp" in said and request.sampling.temperature == 0.9
    assert "Say arr." in request.messages[0].content and "Be kind." not in request.messages[0].content


async def test_user_without_access_to_the_site_assistants_collections_is_refused(
    open_page: Callable[..., Any], bob: User, wasps: Collection
) -> None:
    refused = await (await open_page(bob)).ask(QUESTION)
    assert refused["type"] == "refused" and "do not have access" in refused["text"]
