"""What may be asked: bad input is refused in words and keeps nothing, and the same ask posts once."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from apps.conversations.core import requests
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Conversation, Message
from apps.documents.models import Collection
from apps.lib.concurrency.threads import in_db
from tests.conversations.conftest import writes_on
from tests.factories import make_collection

QUESTION = "How high was the lighthouse of Alexandria?"


@pytest.mark.parametrize("text", ["", "   \n ", None, 7, ["a"], "\u200b\u200b", "a\x00b", "bell\x07", "x" * 100_000])
def test_a_question_that_cannot_be_asked_is_refused_in_words(text: object) -> None:
    with pytest.raises(RequestRefused, match=r"[.]$"):
        requests.parse_ask({"client_id": "1", "text": text})


def test_the_words_say_how_long_a_question_is_and_may_be() -> None:
    with pytest.raises(RequestRefused, match="100,000 characters; the limit is 20,000"):
        requests.parse_ask({"client_id": "1", "text": "x" * 100_000})


@pytest.mark.parametrize("attached", ["x", {"a": 1}, 5, True])
def test_attached_pictures_that_are_no_list_are_unreadable_and_not_too_many(attached: object) -> None:
    with pytest.raises(RequestRefused, match="could not be read"):
        requests.parse_ask({"client_id": "1", "text": QUESTION, "attached": attached})
    with pytest.raises(RequestRefused, match="up to 4"):
        requests.parse_ask({"client_id": "1", "text": QUESTION, "attached": [str(uuid.uuid4())] * 5})


@pytest.mark.parametrize(
    "also",
    [
        {"conversation": "nonsense"},
        {"conversation": 7},
        {"conversation": []},
        {"collections": "all"},
        {"collections": ["nonsense"]},
        {"collections": [None]},
        {"collections": [str(uuid.uuid4())] * 1000},
        {"client_id": ""},
        {"client_id": "x" * 41},
        {"client_id": 5},
        {"client_id": "line\nbreak"},
    ],
)
def test_wrong_types_are_refused(also: dict[str, object]) -> None:
    with pytest.raises(RequestRefused):
        requests.parse_ask({"client_id": "1", "text": QUESTION, **also})


def test_field_without_documents_counts_only_when_true() -> None:
    assert not requests.parse_ask({"client_id": "1", "text": QUESTION, "without_documents": "false"}).without_documents


@pytest.mark.parametrize("name", ["reworded_question", "beside"])
def test_a_reworded_question_is_also_read_under_the_name_of_the_former_release(name: str) -> None:
    question = uuid.uuid4()
    for do in ("ask", "queue"):
        command = requests.parse_command({"do": do, "client_id": "1", "text": QUESTION, name: str(question)})
        assert isinstance(command, requests.AskCommand) and command.reworded_question == question


@pytest.mark.django_db(transaction=True)
async def test_the_same_ask_twice_posts_once_and_both_hear_the_answer(open_page, alice, library, chat) -> None:
    page, other = await open_page(alice), await open_page(alice)
    first = await page.ask(QUESTION, client_id="mine")
    again = await other.ask(QUESTION, client_id="mine")
    assert {**again, "type": ""} == {**first, "type": ""}
    assert (await page.events())[-1]["type"] == (await other.events())[-1]["type"] == "closed"
    assert await Message.objects.acount() == 2 and len(chat.requests) == 1
    late = await page.ask(QUESTION, client_id="mine")
    assert late["turn"] == first["turn"] and (await page.events())[-1]["type"] == "closed"


@pytest.mark.django_db(transaction=True)
async def test_the_same_ask_in_the_same_moment_posts_once(open_page, alice, library, chat) -> None:
    pages = [await open_page(alice) for _ in range(4)]
    kept = await asyncio.gather(*(page.ask(QUESTION, client_id="mine") for page in pages))
    assert len({answer["turn"] for answer in kept}) == 1
    for page in pages:
        assert (await page.events())[-1]["status"] == "complete"
    assert await Message.objects.acount() == 2 and await Conversation.objects.acount() == 1


@pytest.mark.django_db(transaction=True)
async def test_the_id_of_another_person_is_not_mine(open_page, alice, bob, library, chat) -> None:
    page, theirs = await open_page(alice), await open_page(bob)
    mine = await page.get_answer(QUESTION, client_id="same")
    other = await theirs.ask(QUESTION, client_id="same")
    assert other["turn"] != str(mine.pk)


@pytest.mark.django_db(transaction=True)
async def test_answers_are_limited_to_one_per_conversation_and_three_per_user(page, library, chat) -> None:
    writes_on(chat)
    first = await page.ask(QUESTION)
    refused = await page.ask("And how old?", conversation=first["conversation"])
    assert refused["type"] == "refused" and "still being written" in refused["text"]
    for _ in range(2):
        assert (await page.ask(QUESTION))["type"] == "accepted"
    assert "3 of your answers" in (await page.ask(QUESTION))["text"]
    assert await Message.objects.filter(role="user").acount() == 3


@pytest.mark.django_db(transaction=True)
async def test_a_conversation_or_collection_that_is_not_mine_is_refused_like_one_that_never_was(
    open_page, alice, bob, library, chat
) -> None:
    page, theirs = await open_page(alice), await open_page(bob)
    mine = await page.get_answer(QUESTION)
    foreign = await theirs.ask(QUESTION, conversation=str(mine.conversation_id))
    unknown = await theirs.ask(QUESTION, conversation=str(uuid.uuid4()))
    assert foreign["type"] == "refused" and foreign["text"] == unknown["text"]
    foreign = await theirs.ask(QUESTION, collections=[str(library.pk)])
    unknown = await theirs.ask(QUESTION, collections=[str(uuid.uuid4())])
    assert foreign["type"] == "refused" and foreign["text"] == unknown["text"]
    assert await Message.objects.filter(asked_by=bob).acount() == 0


@pytest.mark.django_db(transaction=True)
async def test_the_chosen_collections_stay_with_the_conversation(page, alice, library, chat) -> None:
    other = await Collection.objects.acreate(owner=alice, name="Empty")
    first = await page.get_answer(QUESTION, collections=[str(library.pk)])
    conversation = await Conversation.objects.aget(pk=first.conversation_id)
    assert [row.pk async for row in conversation.collections.all()] == [library.pk]
    await page.ask(QUESTION, conversation=str(first.conversation_id), collections=[str(other.pk)])
    assert "nothing" in [event["type"] for event in await page.events()]
    assert [row.pk async for row in conversation.collections.all()] == [other.pk]


@pytest.mark.django_db(transaction=True)
async def test_a_conversation_whose_collections_are_no_longer_shared_does_not_search_everywhere(
    page, bob, library, chat
) -> None:
    accepted = await page.get_answer(QUESTION, collections=[str(library.pk)])
    await Collection.objects.filter(pk=library.pk).aupdate(owner=bob)
    await page.tell(do="retry", turn=str(accepted.pk), client_id="again")
    assert "no longer shared" in (await page.hear("refused"))["text"]


@pytest.mark.django_db(transaction=True)
async def test_deleted_chosen_collections_do_not_widen_the_search(page, alice, library, chat) -> None:
    first = await page.get_answer(QUESTION, collections=[str(library.pk)])
    await in_db(make_collection, alice, "Private things")
    await Collection.objects.filter(pk=library.pk).adelete()
    for message in (
        {"do": "retry", "turn": str(first.pk), "client_id": "again"},
        {"do": "ask", "conversation": str(first.conversation_id), "text": QUESTION, "client_id": "more"},
    ):
        await page.tell(**message)
        assert "were deleted" in (await page.hear("refused", "accepted"))["text"]
    again = await page.ask(QUESTION, conversation=str(first.conversation_id), collections=[])
    assert again["type"] == "accepted", "to search everywhere can be chosen"
    await page.events()
    await page.tell(do="retry", turn=again["turn"], client_id="everywhere")
    await page.hear("accepted")
