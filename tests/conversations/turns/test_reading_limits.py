"""What a capable model reads and may write, against the packaged one."""

from __future__ import annotations

import asyncio

import pytest

from apps.conversations.assistants.reading_budget import ReadingLimits
from apps.conversations.models import ModelProfile
from apps.conversations.turns import state
from apps.documents.retrieval import candidates
from apps.engines.types import ToolCall
from apps.lib.concurrency.threads import in_db
from tests.factories import Section, make_client, make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"
FILLER = "Keepers carried oil and wood up the stairs every evening before the fire was lit. " * 12
SECTIONS = [
    Section(f"Building\n\nThe lighthouse of Alexandria was built for a king. {FILLER}", "Building"),
    Section(f"It stood on an island. The lighthouse of Alexandria was about 100 metres high. {FILLER}", "Building"),
    Section(f"Its stones came by ship. {FILLER}", "Building"),
    Section(f"Bees\n\nA colony has one queen. {FILLER}", "Bees"),
]


async def _make_capable(chat) -> None:
    chat.context_tokens = 32_768
    values = {"reading_right": 8, "reading_asked": 8, "prompt_tokens_per_s": 5_000.0}
    await in_db(ModelProfile.objects.create, name=chat.name, **values)


@pytest.fixture
def tower(alice):
    collection = make_collection(alice, "Handbook")
    return make_document(collection, "Lighthouses", SECTIONS)


async def test_a_capable_model_reads_whole_sections_in_document_order(page, alice, tower, chat) -> None:
    await _make_capable(chat)
    answer = await page.get_answer(QUESTION)
    request = chat.requests[-1]
    asked = request.messages[-1].content
    whole = " ".join(" ".join(section.text.split()) for section in SECTIONS[:3])
    assert whole in asked
    assert sum(chat.count([asked])) <= 6_000 + 100
    assert request.sampling.max_tokens == 2_048
    shown = (await in_db(lambda: make_client(alice).get(f"/answers/{answer.pk}/behind/"))).content.decode()
    assert "Whole sections in document order, at most 6000 tokens" in " ".join(shown.split()).replace(",000", "000")


async def test_a_model_below_the_reading_check_reads_cut_sentences(page, tower, chat) -> None:
    chat.context_tokens = 32_768
    await page.get_answer(QUESTION)
    request = chat.requests[-1]
    lines = [line for line in request.messages[-1].content.splitlines() if line.startswith("[")]
    assert lines and sum(chat.count(lines)) <= 800
    assert request.sampling.max_tokens == 512


async def test_the_search_tool_of_a_capable_model_gives_whole_sections(page, tower, caller) -> None:
    await _make_capable(caller)
    caller.calls.append((ToolCall("1", "search_documents", '{"query": "one queen of a bee colony"}'),))
    await page.get_answer(QUESTION)
    results = [message.content for message in caller.requests[-1].messages if message.role == "tool"]
    assert " ".join(SECTIONS[3].text.split()) in results[0] + caller.requests[0].messages[-1].content


async def test_documents_are_searched_while_the_limits_of_the_model_are_not_known_yet(
    page, tower, chat, monkeypatch
) -> None:
    loop, ranked, known = asyncio.get_running_loop(), asyncio.Event(), []
    rank_windows = candidates.rank_windows

    def rank(*given):
        loop.call_soon_threadsafe(ranked.set)
        return rank_windows(*given)

    async def resolve_late(*_):
        known.append(await asyncio.wait_for(ranked.wait(), 20))
        return ReadingLimits()

    monkeypatch.setattr(candidates, "rank_windows", rank)
    monkeypatch.setattr(state, "resolve_limits", resolve_late)
    await page.get_answer(QUESTION)
    assert known == [True]
