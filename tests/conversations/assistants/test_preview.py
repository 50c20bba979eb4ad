"""An assistant tried beside its form: answered as in a chat, with its sources, and nothing is stored."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import pytest

from apps.conversations.models import Message
from apps.conversations.models.assistant import Assistant
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.engines.types import EngineUnavailable
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.conversations.assistants.conftest import FORM, make_async_client, preview_assistant
from tests.factories import make_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("any_sentence_answers")
async def test_a_form_is_tried_without_storing_anything(alice: User, library: Collection, chat: FakeChat) -> None:
    asked = FORM | {"try": "How long do workers live in summer?", "instructions": "Say arr."}
    events = await preview_assistant(alice, asked)
    assert "queen" in events[-1]["html"] and "Say arr." in chat.requests[-1].messages[0].content
    names = [event["type"] for event in events]
    assert {"step", "sources", "text", "cited"} <= set(names) and names[-2:] == ["sources", "closed"]
    assert names.index("text") < names.index("closed") and events[-1]["status"] == "complete"
    (address,) = set(re.findall(r'class="pill[^"]*"\s+href="([^"]+)"', events[-1]["html"]))
    assert address.startswith("/documents/") and "/answers/" not in "".join(event.get("html", "") for event in events)
    card = await in_db(lambda: make_client(alice).get(unescape(address) + "&preview=1").content.decode())
    assert "A honey bee colony" in card.replace("<b>", "").replace("</b>", "")
    assert not await Assistant.objects.filter(is_default=False).aexists() and not await Message.objects.aexists()
    assert await preview_assistant(alice, asked | {"try": " "}) == "Write a question first."
    assert "queen" in (await preview_assistant(alice, asked | {"name": ""}))[-1]["html"], "it needs no name to be tried"
    assert "Style: " in await preview_assistant(alice, asked | {"style": "loud"}), "which field is meant"


async def test_leaving_the_assistant_form_ends_the_preview(alice: User, library: Collection, chat: FakeChat) -> None:
    chat.replies.append(" ".join(f"word{number}" for number in range(3000)))
    chat.gap_s = 0.1
    client = await make_async_client(alice)
    response = await client.post("/assistants/preview/", FORM | {"try": "How long do workers live in summer?"})
    written = asyncio.Event()

    async def read() -> None:
        async for line in response.streaming_content:
            if b'"type":"text"' in line:
                written.set()

    reading = asyncio.create_task(read())  # as the server does, which ends it where the line is lost
    await asyncio.wait_for(written.wait(), 60)
    reading.cancel()
    await asyncio.wait([reading])
    assert chat.aborted == 1 and not await Message.objects.aexists()


async def test_a_model_that_is_away_is_said_in_the_last_line(alice: User, library: Collection, chat: FakeChat) -> None:
    chat.fail = EngineUnavailable("The model server does not answer.")
    events = await preview_assistant(alice, FORM | {"try": "How long do workers live in summer?"})
    assert events[-1]["status"] == "failed" and "does not answer" in events[-1]["reason"]
