"""How much of the model's window a conversation takes, and that the page says what is no longer read."""

from __future__ import annotations

import pytest

from apps.conversations.turns import context_usage
from apps.lib.concurrency.threads import in_db
from tests.factories import get_page

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


async def test_the_gauge_adds_up_to_what_was_sent(page, alice, library, chat) -> None:
    row, events = await page.ask_to_end(QUESTION)
    first = context_usage.read_usage(row)
    assert first is not None and first.size == 8192 and first.dropped == 0
    sent = sum(chat.count([message.content for message in chat.requests[-1].messages]))
    assert abs(first.used - sent) <= 2 and first.sources > first.question > 0 and first.history == 0
    gauge = next(event["html"] for event in events if event["type"] == "window")
    assert first.used < first.size * 0.7 and "of the context used" not in gauge, "below 70 % nothing is said"
    row, _ = await page.ask_to_end(QUESTION, conversation=str(row.conversation_id))
    second = context_usage.read_usage(row)
    sent = sum(chat.count([message.content for message in chat.requests[-1].messages]))
    assert second.history > 0 and second.used > first.used and abs(second.used - sent) <= 20
    shown = await in_db(get_page, alice, f"/c/{row.conversation_id}/")
    assert "of the context used" not in shown
    behind = await in_db(get_page, alice, f"/answers/{row.pk}/behind/")
    assert f"{second.used:,} of 8,192" in behind and "Passages from documents" in behind


async def test_the_page_says_which_questions_are_no_longer_read(page, alice, library, chat) -> None:
    chat.context_tokens = 1500
    seen = ("sea", "harbour", "island", "town", "desert", "road", "river", "temple", "palace", "market", "wall", "hill")
    chat.reply = " ".join(
        f"In year {number * 7} it was seen from the {direction}." for number, direction in enumerate(seen)
    )
    row, events = await page.ask_to_end(QUESTION)
    conversation, heard = str(row.conversation_id), [events]
    for _ in range(4):
        row, events = await page.ask_to_end(QUESTION, conversation=conversation)
        heard.append(events)
    measured = context_usage.read_usage(row)
    assert measured.dropped > 0 and measured.used < 1500
    gauge = next(event["html"] for event in heard[-1] if event["type"] == "window")
    assert "of the context used" in gauge and "Passages from documents" in gauge
    words = " ".join(event.get("text", "") for event in heard[-1])
    assert "no longer fit" in words
    assert "no longer fit" not in " ".join(event.get("text", "") for event in heard[0])
    assert sum(message.role == "assistant" for message in chat.requests[-1].messages) == 4 - measured.dropped
    assert "no longer fit" in await in_db(get_page, alice, f"/c/{conversation}/")


async def test_a_new_chat_has_no_gauge(alice) -> None:
    assert "of the context used" not in await in_db(get_page, alice, "/")
