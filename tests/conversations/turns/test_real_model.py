"""With a real model server: `TEST_LLM_URL`, and `TEST_LLM_TOKENIZER` for the folder of its tokenizer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.conversations.models import Message
from apps.engines import registry
from apps.lib.concurrency.threads import in_db
from tests.conversations.server_processes import Process, stub_llm
from tests.factories import make_collection, make_document

pytestmark = [pytest.mark.vllm, pytest.mark.django_db(transaction=True)]
MODEL_S = 60  # a real model on two cores that others use as well
URL = os.environ.get("TEST_LLM_URL", "")
QUESTION = "How high was the lighthouse of Alexandria?"


@pytest.fixture(autouse=True)
def _real(settings) -> None:
    if not URL:
        pytest.skip("TEST_LLM_URL names no model server")
    chat = {
        "BACKEND": "apps.engines.chat.openai.OpenAIChat",
        "OPTIONS": {"url": URL, "tokenizer": os.environ.get("TEST_LLM_TOKENIZER", "")},
        "ABOUT": {"label": "", "server": URL},
    }
    embed = {"BACKEND": "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder", "OPTIONS": {}}
    settings.ENGINES = {**settings.ENGINES, "embed": embed}
    settings.CHATS = {"main": chat}
    registry.reset()


async def test_a_question_is_answered_quotes_first_and_stopping_frees_the_server(page, alice) -> None:
    collection = await in_db(make_collection, alice, "Handbook")
    lines = [
        "The lighthouse of Alexandria was built between 280 and 247 BC. It stood about 100 metres high.",
        "Three earthquakes between 956 and 1323 damaged the lighthouse badly, and it became an abandoned ruin.",
    ]
    await in_db(make_document, collection, "Lighthouses", lines)
    accepted = await page.ask(QUESTION)
    events = await page.events(timeout=MODEL_S)
    types = [event["type"] for event in events]
    assert events[-1]["status"] == "complete", events[-1]
    quotes = next(event["html"] for event in events if event["type"] == "quotes")
    assert "100 metres" in quotes and types.index("quotes") < types.index("text")
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert answer.usage["completion_tokens"] > 0 and answer.model and answer.style == "quotes"
    follow = await page.ask("When was it built?", conversation=accepted["conversation"])
    events = await page.events(timeout=MODEL_S)
    assert (
        events[-1]["status"] in {"complete"} and (await Message.objects.aget(pk=follow["turn"])).usage["prompt_tokens"]
    )
    await page.tell(do="retry", turn=accepted["turn"], client_id="again")
    await page.hear("accepted")
    await page.hear("text", timeout=MODEL_S)
    again = await Message.objects.filter(status="writing").afirst()
    if again is not None:
        await page.tell(do="stop", turn=str(again.pk))
    assert (await page.events(timeout=MODEL_S))[-1]["status"] in {"stopped", "complete"}


@pytest.fixture
def stand_in(shared: Path) -> Iterator[Process]:
    with stub_llm(shared / "tools", rate=200, words=48) as process:
        yield process


@pytest.mark.process
async def test_two_servers_answer_the_same_question_and_one_that_dies_leaves_the_other(
    page, open_page, alice, settings, stand_in
) -> None:
    url = f"http://127.0.0.1:{stand_in.port}/v1"
    other = {**settings.CHATS["main"], "OPTIONS": {"url": url}, "ABOUT": {"label": "Stand-in", "server": url}}
    settings.CHATS = {**settings.CHATS, "Stand-in": other}
    collection = await in_db(make_collection, alice, "Handbook")
    line = "The lighthouse of Alexandria was built between 280 and 247 BC. It stood about 100 metres high."
    await in_db(make_document, collection, "Lighthouses", [line])
    names = {}
    for model in ("main", "Stand-in"):
        accepted = await page.ask(QUESTION, model=model)
        assert (await page.events(timeout=MODEL_S))[-1]["status"] == "complete"
        names[model] = (await Message.objects.aget(pk=accepted["turn"])).model
    assert names == {"main": (await registry.get_chat_engine().info()).name, "Stand-in": "stub"}
    stand_in.kill()
    waits = await open_page(alice)
    await waits.ask(QUESTION, model="Stand-in")
    await waits.hear("waiting")
    await page.ask(QUESTION, model="main")
    assert (await page.events(timeout=MODEL_S))[-1]["status"] == "complete"
    stand_in.start()
    assert (await waits.events(timeout=MODEL_S))[-1]["status"] == "complete"
