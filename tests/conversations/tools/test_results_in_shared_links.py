"""What a tool gave belongs to whoever asked: no link and no copy of it takes it along; a fork of one's own does."""

from __future__ import annotations

import pytest

from apps.conversations.models import Conversation, Message
from apps.lib.concurrency.threads import in_db
from tests.factories import get_page, make_client, share_conversation

pytestmark = pytest.mark.django_db(transaction=True)


async def test_tool_calls_are_in_an_own_fork_but_in_no_link_or_its_copy(page, alice, bob, library, chat) -> None:
    answer, _ = await page.ask_to_end("/calc 6 * 7\nHow high was the lighthouse of Alexandria?")
    assert answer.tools

    def check() -> None:
        conversation = Conversation.objects.get(pk=answer.conversation_id)
        address = share_conversation(conversation)
        assert "6 * 7 = 42" not in get_page(bob, address)
        make_client(bob).post(f"{address}copy/")
        assert [row.tools for row in Message.objects.filter(conversation__owner=bob).answers()] == [[]]
        make_client(alice).post(f"/c/{conversation.pk}/fork/", {"at": str(answer.pk)})
        own = Message.objects.filter(conversation__owner=alice).answers()
        assert [len(row.tools) for row in own] == [1, 1]

    await in_db(check)
