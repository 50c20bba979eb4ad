"""A model that failed the reading check rests below quotes, and writes when the user asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from apps.conversations.assistants import answer_style
from apps.conversations.models import AnswerTrace, Assistant, Message, ModelProfile, ShownSentences
from apps.documents.models import Collection
from apps.documents.retrieval import search as documents
from apps.documents.retrieval.search import SearchResult
from apps.engines.chat.fake import FakeChat
from apps.grounding import quote_selection
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import get_page

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How high was the lighthouse of Alexandria?"
FOLLOW_UP = "And how long did it stand?"
BUTTON = "Let the model try"


@pytest.fixture(autouse=True)
def model_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose quotes as the product does, in place of the fixture of the same name, where any of them answers."""
    monkeypatch.setattr(quote_selection.QuoteSelection, "is_answered", True)
    monkeypatch.setattr(answer_style, "_profiles", {})


@pytest.fixture
async def measured(chat: FakeChat) -> ModelProfile:
    """Return the profile of the chat model, which failed the reading check."""
    name = (await chat.info()).name
    return await in_db(ModelProfile.objects.create, name=name, reading_asked=24, reading_right=10)


async def _load_answer(pk: str) -> Message:
    return await in_db(Message.objects.get, pk=pk)


async def test_the_quotes_are_the_answer_and_the_page_offers_the_model(
    page, alice: User, library: Collection, chat: FakeChat, measured: ModelProfile
) -> None:
    turn = await page.ask(QUESTION)
    events = await page.events()
    said = {event["type"]: event for event in events}
    assert "<blockquote" in said["quotes"]["html"] and "text" not in said and not chat.requests
    assert said["closed"]["status"] == "complete" and said["closed"]["only_quotes"] is True
    answer = await _load_answer(turn["turn"])
    assert answer.quotes and not answer.text and not answer.model and not answer.nothing_found
    assert await in_db(AnswerTrace.objects.filter(answer=answer).exists)
    shown = await in_db(get_page, alice, f"/c/{turn['conversation']}/")
    offered = shown[shown.index('data-do="let_model_write"') : shown.index(BUTTON)]
    assert "hidden\n" not in offered.split(">")[0], "a reload offers the model, too"


async def test_the_model_writes_once_the_user_asks_for_it(
    page, library: Collection, chat: FakeChat, measured: ModelProfile
) -> None:
    turn = await page.ask(QUESTION)
    await page.events()
    answer = await page.retry(turn["turn"], do="let_model_write")
    assert chat.requests and answer.quotes and answer.model and not answer.only_quotes


async def test_a_follow_up_is_searched_with_the_question_that_quotes_answered(
    page, library: Collection, measured: ModelProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await page.ask(QUESTION)
    await page.events()
    histories: list[list[str]] = []
    searched = documents.search

    async def search(*given: Any, history: Iterable[str], **named: Any) -> SearchResult:
        histories.append(list(history))
        return await searched(*given, history=histories[-1], **named)

    monkeypatch.setattr(documents, "search", search)
    await page.ask(FOLLOW_UP, conversation=first["conversation"])
    await page.events()
    assert histories[0] == [QUESTION]


async def test_all_sentences_shown_by_choice_let_the_model_write(
    page, library: Collection, chat: FakeChat, measured: ModelProfile
) -> None:
    measured.shown_sentences = ShownSentences.ALL
    await in_db(measured.save)
    await page.ask(QUESTION)
    await page.events()
    assert chat.requests, "whoever wants to see all that it writes wants it to write"


async def test_a_model_that_was_never_measured_writes(page, library: Collection, chat: FakeChat) -> None:
    assert not await in_db(Assistant.objects.filter(shown_sentences=ShownSentences.ALL).exists)
    await page.ask(QUESTION)
    await page.events()
    assert chat.requests
