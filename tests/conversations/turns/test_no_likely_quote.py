"""A model that needs quotes is not asked where no quote is likely right; the page says so and folds what is nearest."""

from __future__ import annotations

from typing import Any

import pytest

from apps.conversations.models import AnswerStyle, AnswerTrace, Message, RetrievedPassage
from apps.conversations.turns.trace import unpack_trace
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.grounding import quote_limits, quote_selection
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import get_page, make_document

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How high was the lighthouse of Alexandria?"
NOTHING = "I found nothing about this in your documents."
NEAREST = "No passage says this directly. The nearest ones:"


@pytest.fixture
def model_is_asked() -> None:
    """Leave the product as it is, in place of the fixture of the same name for all other tests."""


@pytest.fixture
def unlikely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quote_selection.QuoteSelection, "is_answered", False)
    monkeypatch.setattr(quote_selection.QuoteSelection, "_best_chance", 0.0)


@pytest.fixture
def uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quote_selection.QuoteSelection, "is_answered", False)
    monkeypatch.setattr(quote_selection.QuoteSelection, "_best_chance", quote_limits.MIN_NEAREST_PROBABILITY)


async def test_the_nearest_passages_are_folded_below_and_the_model_is_not_asked(
    page, alice: User, library: Collection, chat: FakeChat, unlikely: None
) -> None:
    turn = await page.ask(QUESTION)
    events = await page.events()
    said = [event["type"] for event in events]
    assert NOTHING in events[said.index("nothing")]["html"]
    assert "Searched 2 documents in Handbook" in events[said.index("nothing")]["html"]
    assert "Nearest passages" in events[said.index("sources")]["html"] and "quotes" not in said
    assert not chat.requests
    shown = await in_db(get_page, alice, f"/c/{turn['conversation']}/")
    assert NOTHING in shown and "Nearest passages" in shown, "a reload says the same"

    def kept() -> tuple[bool, list[list[int]]]:
        answer = Message.objects.get(pk=turn["turn"])
        return answer.nothing_found, list(
            RetrievedPassage.objects.filter(answer=answer).values_list("given_spans", flat=True)
        )

    nothing, given = await in_db(kept)
    assert nothing and 1 <= len(given) <= 2 and not any(given), "the model was given none of them"

    def recorded() -> tuple[str, object]:
        row = AnswerTrace.objects.select_related("answer").get(answer=turn["turn"])
        return row.answer.model, unpack_trace(bytes(row.data))["prompt"]

    assert await in_db(recorded) == ("", None), "no model was asked, so there is no prompt"


async def test_the_nearest_quotes_are_shown_where_it_is_uncertain_whether_they_answer(
    page, alice: User, library: Collection, chat: FakeChat, uncertain: None
) -> None:
    turn = await page.ask(QUESTION)
    said = {event["type"]: event for event in await page.events()}
    assert NEAREST in said["nothing"]["html"] and NOTHING not in said["nothing"]["html"]
    assert 1 <= said["quotes"]["html"].count("<blockquote") <= quote_limits.MAX_NEAREST_QUOTES and not chat.requests
    shown = await in_db(get_page, alice, f"/c/{turn['conversation']}/")
    assert NEAREST in shown and "<blockquote" in shown, "a reload says the same"
    exported = await in_db(get_page, alice, f"/c/{turn['conversation']}/export.md")
    assert exported.index(NEAREST) < exported.rindex("> ") and "Nothing about this was found" not in exported

    def kept() -> Message:
        return Message.objects.get(pk=turn["turn"])

    answer = await in_db(kept)
    assert answer.nothing_found and answer.quotes


async def test_a_model_that_reads_well_is_asked_all_the_same(
    page, library: Collection, chat: FakeChat, unlikely: None, settings: Any
) -> None:
    settings.ANSWER_STYLE = AnswerStyle.MODEL
    await page.ask(QUESTION)
    assert "nothing" not in [event["type"] for event in await page.events()] and chat.requests


async def test_a_question_that_nothing_is_near_to_folds_the_nearest_too(page, library: Collection) -> None:
    await page.ask("Who won the bicycle race of Bordeaux?")
    said = {event["type"]: event for event in await page.events()}
    assert NOTHING in said["nothing"]["html"] and "Nearest passages" in said["sources"]["html"]


@pytest.fixture
async def cover(alice: User) -> Collection:
    """Return the files of a new chat: one that names the lighthouse and does not answer QUESTION."""
    files = await in_db(Collection.all_objects.create, owner=alice, of_chat=True)
    await in_db(make_document, files, "Cover", ["The lighthouse of Alexandria is drawn on the cover."])
    return files


async def test_collections_are_searched_if_no_quote_of_the_chat_files_is_likely(
    page, library: Collection, cover: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure_height(asked: Any, option: Any, *given: Any) -> dict[str, float]:
        return {"words": 9.0 if "100 metres" in option.text else -9.0}

    monkeypatch.setattr(quote_selection, "_measure", measure_height)
    _, events = await page.ask_to_end(QUESTION, files=str(cover.pk))
    assert "nothing" not in [event["type"] for event in events]
    assert "100 metres" in next(event["html"] for event in events if event["type"] == "quotes")
    searches = [event["text"] for event in events if event["type"] == "step" and event["name"] == "search"]
    assert [text.partition(",")[0] for text in searches] == [
        "Searched the files of this chat",
        "Searched 2 collections",
    ]


async def test_model_with_tools_is_asked_after_other_collections_were_searched(
    open_page: Any, alice: User, library: Collection, cover: Collection, caller: FakeChat, unlikely: None
) -> None:
    caller.replies.append("It was made of cheese.")
    page = await open_page(alice)
    await page.ask(QUESTION, files=str(cover.pk))
    events = await page.events()
    assert len(caller.requests) == 1 and "100 metres" in str(caller.requests[0].messages)
    nothing = [event["html"] for event in events if event["type"] == "nothing"]
    assert len(nothing) == 1 and NOTHING in nothing[0] and "Handbook" in nothing[0]


async def test_empty_result_counts_documents_beyond_the_files_of_the_chat(
    page, library: Collection, cover: Collection, unlikely: None
) -> None:
    _, events = await page.ask_to_end(QUESTION, files=str(cover.pk))
    assert [event["type"] for event in events].count("nothing") == 1
    html = next(event["html"] for event in events if event["type"] == "nothing")
    assert "Searched 3 documents in" in html and "Handbook" in html and "the files of this chat" in html


async def test_empty_result_counts_only_chat_files_if_there_are_no_others(
    page, cover: Collection, unlikely: None
) -> None:
    await page.ask(QUESTION, files=str(cover.pk))
    nothing = next(event for event in await page.events() if event["type"] == "nothing")
    assert "Searched 1 document in the files of this chat" in nothing["html"]
