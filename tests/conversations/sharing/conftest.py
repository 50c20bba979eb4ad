"""A conversation to share, and the reading of a panel."""

from __future__ import annotations

import pytest

from apps.conversations.models import Conversation
from apps.users.models import User
from tests.factories import make_client

QUESTION = "How high was the lighthouse of Alexandria?"
PANEL = {"HX-Request": "true"}
PASSAGE = "built between 280 and 247 BC"


@pytest.fixture
async def conversation(open_page, alice, library, chat) -> Conversation:
    """Return a conversation of Alice with two answered questions."""
    page = await open_page(alice)
    chat.replies += ["The lighthouse stood about 100 metres high [1].", "A queen lives for five years [2]."]
    turn = await page.ask(QUESTION)
    await page.events()
    await page.ask("How long can a queen bee live?", conversation=turn["conversation"])
    await page.events()
    return await Conversation.objects.aget(pk=turn["conversation"])


def get_panel(user: User, address: str) -> str:
    """Return the HTML that a click within the page loads from this path."""
    return make_client(user).get(address, headers=PANEL).content.decode()
