"""A model that reads well is given the whole document, at once or part by part with notes, and can be stopped."""

from __future__ import annotations

from typing import Any

import pytest

from apps.conversations.models import Citation, ModelProfile, RetrievedPassage
from apps.documents.models import Document
from apps.engines.chat.fake import FakeChat, quote_sources
from apps.engines.types import ChatRequest
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import Section, make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)

CITIES = ["Kiel", "Riga", "Oslo", "Turku", "Gdynia", "Visby", "Narva", "Malmo"]


@pytest.fixture
async def strong(chat: FakeChat) -> FakeChat:
    """The model has passed the reading check; of notes it repeats the first."""
    await ModelProfile.objects.acreate(name=chat.name, reading_right=8, reading_asked=8)

    def say(request: ChatRequest) -> str:
        asked = request.messages[-1].content
        notes = [line.partition(": ")[2] for line in asked.splitlines() if line.startswith("Notes on part")]
        return notes[-1] if notes else quote_sources(request)

    chat._say = say  # type: ignore[method-assign]
    return chat


@pytest.fixture
def ports(alice: User) -> Document:
    """A document of eight pages, one city each."""
    sections = [
        Section(f"The port of {city} has {number} cranes at its quay. " + "Ships wait there. " * 30, city, number)
        for number, city in enumerate(CITIES, 1)
    ]  # fmt: skip
    return make_document(make_collection(alice, "Ports"), "Ports of the Baltic", sections)


def read_steps(events: list[dict[str, Any]]) -> list[str]:
    return [event["text"] for event in events if event.get("name") == "read"]


async def test_a_document_that_fits_is_in_the_prompt_as_a_whole(page, ports, strong) -> None:
    row, events = await page.ask_to_end("Summarise the Ports of the Baltic")
    assert len(strong.requests) == 1
    prompt = strong.requests[0].messages[-1].content
    assert all(f"port of {city} has" in prompt for city in CITIES)
    assert read_steps(events)[-1] == "Read all of “Ports of the Baltic”"
    assert row.model == strong.name and "port of Kiel" in row.text and "Quoted word for word from" not in row.text
    states = [event["state"] for event in events if event["type"] == "cited"]
    assert states and set(states) == {"quoted"}
    assert await RetrievedPassage.objects.filter(answer=row).acount() == len(CITIES)


async def test_longer_document_is_read_part_by_part_and_answered_from_notes(page, ports, strong) -> None:
    strong.context_tokens = 1400
    row, events = await page.ask_to_end("Summarise the Ports of the Baltic")
    *parts, last = strong.requests
    steps = read_steps(events)[1:-1]
    assert len(parts) > 2 and steps == [f"Read part {n} of {len(parts)}" for n in range(1, len(parts) + 1)]
    prompts = [request.messages[-1].content for request in parts]
    assert all(sum(f"port of {city} has" in prompt for prompt in prompts) == 1 for city in CITIES)
    assert last.messages[-1].content.count("Notes on part") == len(parts)
    assert "Ships wait there. Ships wait" not in last.messages[-1].content
    cites = [cite async for cite in Citation.objects.filter(answer=row).select_related("source")]
    assert "port of Malmo" in row.text and row.status == "complete"
    assert {cite.source.page_number for cite in cites if cite.source} == {7, 8} and all(cite.quoted for cite in cites)
    assert row.usage["prompt_tokens"] > sum(map(len, prompts)) / 8


async def test_stopping_ends_the_reading(page, ports, strong) -> None:
    strong.context_tokens, strong.gap_s = 1400, 0.2
    accepted = await page.ask("Summarise the Ports of the Baltic")
    while (event := await page.hear("step"))["text"][:11] != "Read part 1":
        pass
    await page.tell(do="stop", turn=accepted["turn"])
    closed = (await page.events())[-1]
    assert event["ms"] is None and closed["status"] == "stopped"
    assert strong.running == 0 and len(strong.requests) <= 2


async def test_a_list_of_a_named_document_is_read_by_a_strong_model(page, ports, strong) -> None:
    row, _ = await page.ask_to_end("List all cranes of the Ports of the Baltic")
    assert all(f"port of {city} has" in strong.requests[-1].messages[-1].content for city in CITIES)
    assert "Quoted word for word from" not in row.text


async def test_a_document_of_too_many_parts_is_not_read_by_a_model(page, ports, strong, monkeypatch) -> None:
    monkeypatch.setattr("apps.conversations.turns.whole_document.model_reading.MAX_PARTS", 2)
    strong.context_tokens = 1400
    row, _ = await page.ask_to_end("Summarise the Ports of the Baltic")
    assert strong.requests == [] and "This document is too long for a summary." in row.text


async def test_summary_is_refused_where_the_model_is_away(page, ports, strong) -> None:
    strong.unavailable = True
    row, _ = await page.ask_to_end("Summarise the Ports of the Baltic")
    assert "A summary needs a capable model, and none is available here." in row.text and row.status == "complete"


async def test_document_of_another_user_does_not_reach_a_strong_model(open_page, bob, ports, strong) -> None:
    await in_db(make_document, await in_db(make_collection, bob), "Bees", ["A honey bee colony has one queen."])
    await (await open_page(bob)).ask_to_end("Summarise the Ports of the Baltic")
    assert not any("port of" in message.content for request in strong.requests for message in request.messages)
