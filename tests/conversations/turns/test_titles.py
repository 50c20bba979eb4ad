"""Conversations are named after the first question that is no small talk, and shared under nothing else of a model."""

from __future__ import annotations

from typing import Any

import pytest

from apps.conversations.models import Conversation, Message, Share
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import make_client, overturn_decision, withhold_message

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


def shared_page(owner: User, conversation: Conversation, reader: User) -> str:
    page = make_client(owner)
    page.post(f"/c/{conversation.pk}/share/", {"sources": "passages", "days": ""})
    page.force_login(reader)
    return page.get(f"/shared/{Share.objects.get(conversation=conversation).secret}/").content.decode()


async def converse(open_page: Any, user: User, *texts: str) -> Conversation:
    page, conversation = await open_page(user), None
    for text in texts:
        accepted = await page.ask(text, conversation=conversation)
        conversation = accepted["conversation"]
        await page.events()
    return await Conversation.objects.aget(pk=conversation)


async def test_withheld_question_after_a_greeting_leaves_the_title(open_page, alice, library, chat) -> None:
    conversation = await converse(open_page, alice, "Hello!", QUESTION)
    assert conversation.title == QUESTION
    answer = await Message.objects.exclude(parent__parent=None).filter(role="assistant").aget(conversation=conversation)
    case = await in_db(withhold_message, answer, "question")
    await conversation.arefresh_from_db()
    assert conversation.title == ""
    await in_db(overturn_decision, case)
    await conversation.arefresh_from_db()
    assert conversation.title == QUESTION


async def test_a_later_question_that_is_withheld_leaves_the_title(open_page, alice, library, chat) -> None:
    conversation = await converse(open_page, alice, "Hello!", QUESTION, "How long can a queen bee live?")
    last = await Message.objects.filter(conversation=conversation, role="assistant").order_by("-created").afirst()
    await in_db(withhold_message, last, "question")
    await conversation.arefresh_from_db()
    assert conversation.title == QUESTION


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Height of the lighthouse", "Height of the lighthouse"), ("Gene editing of cashiers", QUESTION)],
)
async def test_a_shared_page_is_headed_by_no_title_that_the_question_does_not_bear_out(
    open_page, alice, bob, library, chat, title, shown
) -> None:
    conversation = await converse(open_page, alice, "Hello!", QUESTION)
    await Conversation.objects.filter(pk=conversation.pk).aupdate(title=title, title_origin="model")
    html = await in_db(shared_page, alice, conversation, bob)
    assert f"<h1>{shown}</h1>" in html.replace("\n", "") or f">{shown}</h1>" in html
    assert ("Gene editing" in html) is (shown == title and "Gene" in title)


async def test_a_title_of_the_user_heads_a_shared_page_whatever_it_says(open_page, alice, bob, library, chat) -> None:
    conversation = await converse(open_page, alice, QUESTION)
    await Conversation.objects.filter(pk=conversation.pk).aupdate(title="My own words", title_origin="person")
    assert "My own words" in await in_db(shared_page, alice, conversation, bob)
