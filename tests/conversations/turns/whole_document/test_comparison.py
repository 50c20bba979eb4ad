"""A comparison is searched for both sides, and what is said of each is quoted side by side."""

from __future__ import annotations

import re
from typing import Any

import pytest

from apps.conversations.history import transcript
from apps.conversations.models import Message, ModelProfile
from apps.documents.models import Document
from apps.lib.concurrency.threads import in_db
from tests.factories import make_collection, make_document
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = "Compare honey bees and the lighthouse"


def columns(html: str) -> list[tuple[str, str]]:
    """Return the name of each column of quotes and the words in it."""
    found = re.findall(r'<section class="side"><h3>(.*?)</h3>(.*?)</section>', strip_layout(html))
    return [(name, " ".join(re.sub(r"<[^>]+>", " ", words).split())) for name, words in found]


async def asked(page: Any, text: str, **also: Any) -> tuple[Message, list[dict[str, Any]], str]:
    answer, events = await page.ask_to_end(text, **also)
    quotes = "".join(event["html"] for event in events if event["type"] == "quotes")
    return answer, events, quotes


async def test_compared_sides_have_their_quotes_in_columns_of_their_own(page, library, chat) -> None:
    row, events, html = await asked(page, ASKED)
    (one, bees), (other, lighthouse) = columns(html)
    assert (one, other) == ("honey bees", "lighthouse")
    assert "honey bee" in bees and "lighthouse" not in bees
    assert "lighthouse" in lighthouse and "bee" not in lighthouse
    assert "Searched for “honey bees” and “lighthouse”" in next(e["text"] for e in events if e.get("name") == "search")
    assert {quote["side"] for quote in row.quotes} == {0, 1} and not any("text" in quote for quote in row.quotes)


async def test_a_reload_shows_the_same_columns(page, alice, library, chat) -> None:
    row, _, html = await asked(page, ASKED)
    assert columns((await in_db(transcript.load_turn, alice, row))["answer"]["quotes_html"]) == columns(html)


async def test_a_model_that_reads_well_writes_from_both_sides_and_the_quotes_stand_there_too(
    page, library, chat
) -> None:
    await ModelProfile.objects.acreate(name=chat.name, reading_right=8, reading_asked=8)
    _, _, html = await asked(page, ASKED)
    prompt = chat.requests[-1].messages[-1].content
    assert "Lighthouses" in prompt and "Bees" in prompt and len(columns(html)) == 2
    assert "is small" not in html


async def test_a_sentence_about_one_side_alone_is_verified(page, library, chat) -> None:
    row, events, _ = await asked(page, ASKED)
    states = [event["state"] for event in events if event["type"] == "cited"]
    assert states == ["quoted", "quoted"] and "lighthouse" in row.text and "honey bee" in row.text


async def test_documents_as_sides_are_each_searched_for_their_title(page, library, chat) -> None:
    _, _, html = await asked(page, "Compare Lighthouses.md and Bees.md")
    (_, lighthouses), (_, bees) = columns(html)
    assert "Alexandria" in lighthouses and "queen" in bees and "queen" not in lighthouses


async def test_a_comparison_of_which_a_side_is_unknown_is_a_question(page, library, chat) -> None:
    row, events, html = await asked(page, "Compare honey bees and zeppelins")
    assert columns(html) == [] and "Searched Handbook" in next(e["text"] for e in events if e.get("name") == "search")
    assert not any("side" in quote for quote in row.quotes)


async def test_a_side_is_searched_in_what_the_user_may_read_alone(open_page, alice, bob, library, chat) -> None:
    await in_db(
        make_document, await in_db(make_collection, bob), "Wasps", ["Wasps build nests of paper in hollow trees."]
    )
    page = await open_page(bob)
    row, _, html = await asked(page, "Compare wasps and honey bees")
    assert columns(html) == [] and "queen" not in row.text
    assert await Document.objects.acount() == 3
