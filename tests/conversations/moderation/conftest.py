"""A conversation of which words can be found wherever they are stored."""

from __future__ import annotations

import pytest

from apps.conversations.models import Conversation, ModelProfile
from apps.lib.concurrency.threads import in_db
from tests.factories import get_reviewer

QUESTION = "How high was the zephyrine lighthouse of Alexandria?"
ANSWER = "The lighthouse stood about 100 metres high [1], quixotically."
ASKED, SAID = "zephyrine", "quixotically"  # words that stand nowhere else
LATER = "How long can a queen bee live?"


@pytest.fixture
async def conversation(page, library, chat, settings) -> Conversation:
    """Return a conversation of Alice's: an answer, and one to a follow-up, whose prompt repeats it."""
    settings.ANSWER_STYLE = "model"  # asked also where no quote is likely right, as for a word of no document
    # Of a model that reads well all is shown, so search finds the word of no document too.
    await ModelProfile.objects.acreate(name=chat.name, reading_right=8, reading_asked=8)
    chat.replies += [ANSWER, "A queen lives for five years [2]."]
    turn = await page.get_answer(QUESTION)
    await page.get_answer(LATER, conversation=str(turn.conversation_id))
    await in_db(get_reviewer, "ada")
    return await Conversation.objects.aget(pk=turn.conversation_id)
