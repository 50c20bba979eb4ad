"""On a pause in the composer the answer's request is read ahead: once a person, cancelled on change, never kept."""

from __future__ import annotations

import pytest

from apps.conversations.models import Conversation, Message
from apps.conversations.turns import prefetch
from apps.engines import registry
from apps.safety.gate import gate
from apps.safety.policy.verdicts import Verdict
from tests.conversations.conftest import wait_for_prefetches, wait_until, writes_on

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


async def test_the_request_is_read_ahead_and_the_question_sends_the_same_again(page, library, chat) -> None:
    await page.type_draft(QUESTION)
    await wait_until(lambda: chat.requests)
    await wait_for_prefetches()
    assert await page.silent(0.05), "nothing is said"
    assert await Message.objects.acount() == await Conversation.objects.acount() == 0, "nothing is kept"
    assert not registry.get_turn_log()._turns, "nor in the log of turns"
    await page.get_answer(QUESTION)
    ahead, asked = chat.requests
    assert (ahead.messages, ahead.cache_salt) == (asked.messages, asked.cache_salt)
    assert (ahead.sampling.max_tokens, asked.sampling.max_tokens) == (1, 512)


async def test_a_follow_up_is_read_ahead_with_what_came_before(page, library, chat) -> None:
    first = await page.get_answer(QUESTION)
    text = "How long can a queen bee live?"
    also = {"conversation": str(first.conversation_id), "after": str(first.pk)}
    await page.type_draft(text, **also)
    await wait_until(lambda: len(chat.requests) == 2)
    await wait_for_prefetches()
    await page.get_answer(text, **also)
    assert chat.requests[1].messages == chat.requests[2].messages


@pytest.mark.parametrize("change", ["", "How high was the lighthouse of Rhodes?"])
async def test_a_change_ends_what_was_begun(page, library, chat, change) -> None:
    chat.first_token_s = 600
    await page.type_draft(QUESTION)
    await wait_until(lambda: chat.running)
    await page.type_draft(change)
    await wait_until(lambda: chat.aborted)
    await wait_until(lambda: chat.running == (1 if change else 0))
    assert len(prefetch._prefetches) == chat.running


async def test_the_question_itself_ends_it_and_so_does_a_page_that_leaves(
    page, open_page, alice, library, chat
) -> None:
    chat.first_token_s = 600
    await page.type_draft(QUESTION)
    await wait_until(lambda: chat.running)
    await page.tell(do="ask", client_id="1", conversation=None, text=QUESTION)
    await wait_until(lambda: chat.aborted == 1)
    other = await open_page(alice)
    await other.wire.send_input({"type": "websocket.disconnect", "code": 1001})
    await wait_until(lambda: not prefetch._prefetches)


async def test_prefetch_runs_once_per_user_however_many_pages(page, alice, library, chat) -> None:
    chat.first_token_s = 600
    for number in range(1, 4):
        await page.type_draft(QUESTION)
        await wait_until(lambda number=number: len(chat.requests) == number)
    await wait_until(lambda: chat.running == 1 and chat.aborted == 2)
    assert list(prefetch._prefetches) == [alice.pk]


async def test_prefetch_does_nothing_under_load(page, open_page, alice, bob, library, chat) -> None:
    writes_on(chat)
    await page.ask(QUESTION)
    await page.hear("text")
    await (await open_page(alice)).type_draft(QUESTION)
    await (await open_page(bob)).type_draft(QUESTION)
    await wait_for_prefetches()
    assert len(chat.requests) == 1


async def test_prefetch_of_a_refused_draft_does_not_reach_the_model(page, library, chat, monkeypatch) -> None:
    async def refused(*_: object, **__: object) -> Verdict:
        return Verdict(False, "rule", "No.")

    monkeypatch.setattr(gate, "check_question", refused)
    await page.type_draft(QUESTION)
    await wait_for_prefetches()
    assert chat.requests == [] and await page.silent(0.05)


@pytest.mark.parametrize("text", ["Which composer wrote the opera Wozzeck?", "", "a\x00b", "x" * 30_000])
async def test_prefetch_of_an_unanswerable_draft_does_not_reach_the_model(page, library, chat, text) -> None:
    await page.type_draft(text)
    await wait_for_prefetches()
    assert chat.requests == [] and await page.silent(0.05)


async def test_prefetch_can_be_switched_off(page, library, chat, settings) -> None:
    settings.WARM_WHILE_TYPING = False
    await page.type_draft(QUESTION)
    await wait_for_prefetches()
    assert chat.requests == []


async def test_a_model_server_that_is_away_costs_nothing(page, library, chat) -> None:
    chat.unavailable = True
    await page.type_draft(QUESTION)
    await wait_for_prefetches()
    assert await page.silent(0.05)
