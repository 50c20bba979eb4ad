"""What is kept of verdicts: those on kept conversations, none on what is being typed or on temporary chats."""

from __future__ import annotations

from typing import Any

import pytest

from apps.conversations.turns import temporary_chats
from apps.safety.models.verdict_log import Surface
from apps.safety.verdict_log import recorder
from tests.conversations.conftest import wait_for_prefetches, wait_until

QUESTION = "How high was the lighthouse of Alexandria?"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def kept(settings: Any) -> None:
    settings.VERDICT_DAYS = 30


async def test_verdicts_on_question_and_answer_are_recorded(page, library, chat) -> None:
    await page.get_answer(QUESTION)
    found = [(one.evaluation.stage, one.surface) for one in recorder.take_pending()]
    assert found[0] == ("question", Surface.CHAT)
    assert set(found[1:]) == {("answer", Surface.CHAT)}


async def test_verdict_on_a_draft_is_not_recorded(page, library, chat) -> None:
    await page.type_draft(QUESTION)
    await wait_until(lambda: chat.requests)
    await wait_for_prefetches()
    assert recorder.take_pending() == []


async def test_verdicts_on_a_temporary_chat_are_not_recorded(page, library, chat) -> None:
    await page.ask(QUESTION, temporary=True)
    assert (await page.events())[-1]["status"] == "complete"
    temporary_chats._chats.clear()
    assert recorder.take_pending() == []
