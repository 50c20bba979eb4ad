"""A collection that must not leave the house is read by no model outside: not searched, not opened, not repeated."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.conversations.core.requests import AskRequest
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Conversation
from apps.conversations.turns import preparation
from apps.conversations.turns.whole_document.document_choice import readable_documents
from apps.documents.models import Collection
from apps.documents.retrieval.full_document import find_documents_by_name
from apps.engines.chat.fake import FakeChat
from apps.users.api_tokens import create_token
from apps.users.models import User
from tests.conversations.conftest import Page
from tests.factories import get_page, make_client, make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "The lighthouse costs 4711 thalers a year."
QUESTION = "What does the lighthouse cost a year?"


@pytest.fixture
def shelves(alice: User) -> tuple[Collection, Collection]:
    """Return a collection that must not leave the house, and another one."""
    kept = make_collection(alice, "Pay")
    Collection.objects.filter(pk=kept.pk).update(inside_only=True)
    make_document(kept, "Costs", [SECRET])
    other = make_collection(alice, "Guide")
    make_document(other, "Lighthouse guide", ["The lighthouse costs nothing to visit, all the year."])
    return kept, other


@pytest.fixture
def outside(settings: Settings) -> None:
    """Say that the model of the site runs outside."""
    chats = deepcopy(settings.CHATS)
    chats["main"]["ABOUT"]["outside"] = True
    settings.CHATS = chats


def prepare(user: User, *collections: Collection, conversation: Conversation | None = None) -> TurnInput:
    request = AskRequest(
        "1", QUESTION, conversation and conversation.pk, tuple(row.pk for row in collections) or None, False
    )
    prepared = preparation.prepare_turn(user, None, request)
    assert isinstance(prepared, TurnInput)
    return prepared


def sent(chat: FakeChat) -> str:
    return " ".join(message.content for request in chat.requests for message in request.messages)


async def test_search_leaves_it_out_and_a_step_says_so(
    page: Page, chat: FakeChat, shelves: tuple[Collection, Collection], outside: None
) -> None:
    answer, events = await page.ask_to_end(QUESTION)
    assert chat.requests and "4711" not in sent(chat) and "4711" not in answer.text
    steps = {event["name"]: event["text"] for event in events if event["type"] == "step"}
    assert steps["inside"] == "Not read, because the model runs outside the house: “Pay”"


async def test_a_model_inside_reads_it(page: Page, chat: FakeChat, shelves: tuple[Collection, Collection]) -> None:
    await page.ask_to_end(QUESTION)
    assert "4711" in sent(chat)


def test_tools_and_whole_documents_see_only_the_others(
    alice: User, shelves: tuple[Collection, Collection], outside: None
) -> None:
    prepared = prepare(alice)
    assert prepared.scope is not None and list(prepared.scope.collections.values()) == ["Guide"]
    assert [row.title for row in readable_documents(prepared)] == ["Lighthouse guide"]
    assert find_documents_by_name(alice, "Costs", prepared.collections) == []


def test_a_question_to_nothing_else_is_refused_with_the_reason(
    alice: User, shelves: tuple[Collection, Collection], outside: None
) -> None:
    with pytest.raises(RequestRefused, match=r"“Pay” must not leave the house, and “.+” runs outside"):
        prepare(alice, shelves[0])


async def test_a_chat_that_holds_its_text_is_not_sent_outside(
    page: Page, alice: User, chat: FakeChat, shelves: tuple[Collection, Collection], settings: Settings
) -> None:
    answer, _ = await page.ask_to_end(QUESTION)
    chats = deepcopy(settings.CHATS)
    chats["main"]["ABOUT"]["outside"] = True
    settings.CHATS = chats
    refused = await page.ask("And next year?", conversation=str(answer.conversation_id))
    assert refused["type"] == "refused" and "This chat holds text from “Pay”" in refused["text"]
    assert len(chat.requests) == 1


def test_programs_are_refused_too(alice: User, shelves: tuple[Collection, Collection], outside: None) -> None:
    secret = create_token(alice, "Script", ["chat"], None)
    asked = {
        "model": "openbook",
        "messages": [{"role": "user", "content": QUESTION}],
        "collections": [str(shelves[0].pk)],
    }
    response: Any = Client().post(
        "/v1/chat/completions", asked, content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    assert response.status_code in (400, 409, 422) and "must not leave the house" in response.content.decode()


def test_the_composer_says_what_the_model_does_not_read(
    alice: User, bob: User, shelves: tuple[Collection, Collection], outside: None
) -> None:
    assert "This model runs outside the house. It does not read: Pay." in get_page(alice, "/")
    assert "outside the house" not in get_page(bob, "/"), "he may read no such collection"


def test_owners_set_the_rule(alice: User, bob: User) -> None:
    shelf = make_collection(alice, "Pay")
    given = {"name": "Pay", "description": "", "inside_only": "on"}
    assert make_client(bob).post(f"/collections/{shelf.pk}/settings/", given).status_code == 404
    make_client(alice).post(f"/collections/{shelf.pk}/settings/", given)
    shelf.refresh_from_db()
    assert shelf.inside_only
