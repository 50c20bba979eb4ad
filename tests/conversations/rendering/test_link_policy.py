"""Links of an answer, from the ask to the reload."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from apps.conversations.history import transcript
from apps.conversations.models import Conversation, Message
from apps.documents.models import Document
from apps.lib.concurrency.threads import in_db
from tests.factories import make_document

pytestmark = pytest.mark.django_db(transaction=True)

PHAROS = "The lighthouse of Alexandria was 100 metres high, see https://lights.example/pharos for plans."
ANSWER = (
    "It was 100 metres high, see [the plans](https://lights.example/pharos), [more](https://evil.example/) and "
    "[yours](https://mine.example/x)."
)


async def test_an_answer_links_where_its_source_or_the_person_named_the_place_also_later(
    open_page, alice, library, chat
) -> None:
    source = await in_db(make_document, library, "Pharos", [PHAROS])
    chat.replies.append(ANSWER)
    page = await open_page(alice)
    accepted = await page.ask("How high was the lighthouse of Alexandria? I read mine.example/y.")
    closed = (await page.events())[-1]
    links = ["https://lights.example/pharos", "https://mine.example/x"]
    assert re.findall(r'<a href="(http[^"]*)"', closed["html"]) == links
    answer = await Message.objects.select_related("conversation").aget(pk=accepted["turn"])
    assert answer.links == links
    await Document.objects.filter(pk=source.pk).adelete()
    shown = await in_db(transcript.load_turn, alice, answer)
    assert re.findall(r'<a href="(http[^"]*)"', shown["answer"]["html"]) == links


async def test_a_place_that_an_earlier_turn_named_may_be_linked_in_a_later_one(open_page, alice, library, chat) -> None:
    await in_db(make_document, library, "Pharos", [PHAROS])
    page = await open_page(alice)
    first = await page.ask("How high was the lighthouse of Alexandria?")
    await page.events()
    chat.replies.append(ANSWER)
    await page.ask("How long can a queen bee live?", conversation=first["conversation"])
    closed = (await page.events())[-1]
    assert re.findall(r'<a href="(http[^"]*)"', closed["html"]) == ["https://lights.example/pharos"]
    assert await Conversation.objects.acount() == 1


def test_pages_with_answers_include_the_dialog_for_external_links() -> None:
    folder = Path(settings.BASE_DIR) / "templates"
    without = [
        str(path.relative_to(folder))
        for path in folder.rglob("*.html")
        if re.search(r"""class="(?:[^"]* )?prose\b""", text := path.read_text())
        and re.search(r"{% extends|<!doctype", text, re.IGNORECASE)
        and "conversations/chat/_external_link_dialog.html" not in text
    ]
    assert without == []
