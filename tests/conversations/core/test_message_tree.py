"""A conversation is a tree: other wordings, other answers, answers written on, and the path that is remembered."""

from __future__ import annotations

from uuid import UUID

import pytest

from apps.conversations.core.message_tree import Exchange, find_path
from apps.conversations.models import Message, Source
from apps.lib.concurrency.threads import in_db
from apps.users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"
OTHER = "How long can a queen bee live?"
THIRD = "What damaged the lighthouse of Alexandria?"


def way(conversation: str, through: str = "") -> list[Exchange]:
    """The path as the page shows it."""
    return find_path(Message.objects.filter(conversation=conversation), UUID(through) if through else None)


def shown(conversation: str, through: str = "") -> list[str]:
    return [item.question.text for item in way(conversation, through)]


async def asked(page, text: str, **also) -> dict[str, str]:
    accepted = await page.ask(text, **also)
    assert accepted["type"] == "accepted", accepted
    await page.events()
    return accepted


async def told(page, **message) -> dict[str, str]:
    await page.tell(client_id=f"{message}"[:40], **message)
    said = await page.hear("accepted", "refused")
    if said["type"] == "accepted":
        await page.events()
    return said


async def test_reworded_question_is_a_sibling_without_the_follow_ups_of_the_first(page, library, chat) -> None:
    first = await asked(page, QUESTION)
    conversation = first["conversation"]
    await asked(page, OTHER, conversation=conversation, after=first["turn"])
    edited = await asked(page, THIRD, conversation=conversation, reworded_question=first["question"])
    assert await in_db(shown, conversation) == [THIRD], "the new wording is what is remembered"
    assert await in_db(shown, conversation, first["turn"]) == [QUESTION, OTHER]
    found = await in_db(way, conversation)
    assert [str(row.pk) for row in found[0].questions] == [first["question"], edited["question"]]
    assert len(chat.requests[-1].messages) == 2, "nothing of the other branch is sent"


async def test_sources_keep_their_numbers_across_branches(page, library, chat) -> None:
    first = await asked(page, QUESTION)
    await asked(page, OTHER, conversation=first["conversation"], reworded_question=first["question"])
    titles = {row.number: str(row.document) async for row in Source.objects.select_related("document")}
    assert titles == {1: "Lighthouses", 2: "Bees"}


async def test_a_question_follows_the_answer_that_its_page_shows_and_its_branch_is_remembered(
    page, library, chat
) -> None:
    first = await asked(page, QUESTION)
    conversation = first["conversation"]
    again = await told(page, do="retry", turn=first["turn"])
    await asked(page, OTHER, conversation=conversation, after=first["turn"])
    found = await in_db(way, conversation)
    assert str(found[0].answer.pk) == first["turn"] and len(found) == 2
    assert await in_db(shown, conversation, again["turn"]) == [QUESTION]


async def test_message_that_is_no_possible_parent_is_refused(page, library) -> None:
    first = await asked(page, QUESTION)
    for also in ({"after": first["question"]}, {"reworded_question": first["turn"]}):
        said = await page.ask(OTHER, conversation=first["conversation"], **also)
        assert said["type"] == "refused" and "no longer available" in said["text"]


async def test_an_unfinished_answer_is_written_on_in_its_place(page, library, chat) -> None:
    chat.replies += ["It stood about 100 metres", " high, and shone far [1]."]
    chat.finish = "length"
    first = await page.ask(QUESTION)
    closed = (await page.events())[-1]
    assert closed["can_continue"]
    chat.finish = "stop"
    on = await told(page, do="continue", turn=first["turn"])
    answer = await Message.objects.aget(pk=on["turn"])
    assert answer.text == "It stood about 100 metres high, and shone far [1]." and not answer.unfinished
    sent = chat.requests[-1].messages
    assert sent[-1].role == "assistant" and sent[-1].content == "It stood about 100 metres"
    assert sent[:-1] == chat.requests[0].messages
    found = await in_db(way, first["conversation"])
    assert [str(row.pk) for row in found[0].answers] == [on["turn"]], "the part alone is no longer offered"
    found = await in_db(way, first["conversation"], first["turn"])
    assert str(found[0].answer.pk) == on["turn"], "an old address leads to the whole"


async def test_a_finished_answer_is_not_written_on(page, library) -> None:
    first = await asked(page, QUESTION)
    said = await told(page, do="continue", turn=first["turn"])
    assert said["type"] == "refused" and "finished" in said["text"]


async def test_a_stranger_neither_follows_nor_rewords(open_page, alice, bob: User, library) -> None:
    page, other = await open_page(alice), await open_page(bob)
    first = await asked(page, QUESTION)
    for also in ({"after": first["turn"]}, {"reworded_question": first["question"]}):
        assert (await other.ask(OTHER, conversation=first["conversation"], **also))["type"] == "refused"
    assert (await told(other, do="continue", turn=first["turn"]))["type"] == "refused"
    assert await Message.objects.acount() == 2
