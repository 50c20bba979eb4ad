"""With a real model server: `TEST_LLM_URL`, and `TEST_LLM_TOKENIZER` for the folder of its tokenizer."""

from __future__ import annotations

import os

import pytest

from apps.conversations.models import Message
from apps.engines import registry
from apps.lib.threads import in_db
from tests.documents.library import collection, document

pytestmark = [pytest.mark.vllm, pytest.mark.django_db(transaction=True)]
URL = os.environ.get("TEST_LLM_URL", "")
QUESTION = "How high was the lighthouse of Alexandria?"


@pytest.fixture(autouse=True)
def _real(settings) -> None:
    if not URL:
        pytest.skip("TEST_LLM_URL names no model server")
    chat = {
        "BACKEND": "apps.engines.chat.openai.OpenAIChat",
        "OPTIONS": {"url": URL, "tokenizer": os.environ.get("TEST_LLM_TOKENIZER", "")},
    }
    embed = {"BACKEND": "apps.engines.embed.sentence.SentenceEmbed", "OPTIONS": {}}
    settings.ENGINES = {**settings.ENGINES, "chat": chat, "embed": embed}
    registry.reset()


async def test_a_question_is_answered_quotes_first_and_stopping_frees_the_server(open_page, alice) -> None:
    place = await in_db(collection, alice, "Handbook")
    lines = [
        "The lighthouse of Alexandria was built between 280 and 247 BC. It stood about 100 metres high.",
        "Three earthquakes between 956 and 1323 damaged the lighthouse badly, and it became an abandoned ruin.",
    ]
    await in_db(document, place, "Lighthouses", lines)
    page = await open_page(alice)
    accepted = await page.ask(QUESTION)
    events = await page.events()
    types = [event["type"] for event in events]
    assert events[-1]["status"] == "complete", events[-1]
    quotes = next(event["html"] for event in events if event["type"] == "quotes")
    assert "100 metres" in quotes and types.index("quotes") < types.index("text")
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert answer.usage["completion_tokens"] > 0 and answer.model and answer.style == "quotes"
    follow = await page.ask("When was it built?", conversation=accepted["conversation"])
    events = await page.events()
    assert (
        events[-1]["status"] in {"complete"} and (await Message.objects.aget(pk=follow["turn"])).usage["prompt_tokens"]
    )
    await page.tell(do="retry", turn=accepted["turn"], client_id="again")
    await page.hear("accepted")
    await page.hear("text", timeout=60)
    again = await Message.objects.filter(status="writing").afirst()
    if again is not None:
        await page.tell(do="stop", turn=str(again.pk))
    assert (await page.events())[-1]["status"] in {"stopped", "complete"}
