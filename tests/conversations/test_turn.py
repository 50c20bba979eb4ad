"""A turn from the ask to its end: the five endings, each through the one exit."""

from __future__ import annotations

import pytest

from apps.conversations.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_question_is_answered_from_the_documents(open_page, alice, library, chat) -> None:
    page = await open_page(alice)
    accepted = await page.ask("How high was the lighthouse of Alexandria?")
    events = await page.events()
    print(*events, sep="\n")
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert answer.status == Message.Status.COMPLETE
