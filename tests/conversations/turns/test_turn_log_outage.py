"""A turn log, or a database, that is away for a moment: the answer is kept all the same, and nothing untrue is said."""

from __future__ import annotations

import asyncio

import pytest
from django.db import OperationalError

from apps.conversations.evidence.source_numbering import save_sources
from apps.conversations.models import Message, RetrievedPassage
from apps.conversations.turns import runner
from apps.engines import registry
from apps.engines.types import EngineUnavailable
from apps.lib.concurrency.threads import in_db
from apps.lib.db import leases
from tests.conversations.conftest import WAIT_S, writes_on

pytestmark = pytest.mark.django_db(transaction=True)
Status = Message.Status
QUESTION = "How high was the lighthouse of Alexandria?"
ANSWER = "The lighthouse stood about 100 metres high [1]."


async def _away(*args: object) -> None:
    raise EngineUnavailable("The log of running answers (Redis) does not answer.")


async def test_a_log_that_cannot_hear_a_stop_stops_nothing(page, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(registry.get_turn_log(), "wait_stop", _away)
    chat.replies.append(ANSWER)
    await page.ask(QUESTION)
    assert (await page.events())[-1]["status"] == Status.COMPLETE


async def test_a_question_is_refused_and_not_kept_where_there_is_no_log(page, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(registry.get_turn_log(), "append", _away)
    assert (await page.ask(QUESTION))["type"] == "refused"
    await runner.wait_until_idle()
    assert not await Message.objects.aexists() and chat.requests == []


async def test_an_answer_whose_log_is_gone_is_closed_with_what_it_has_and_the_page_fetches_it(
    page, library, chat, monkeypatch
) -> None:
    writes_on(chat)
    accepted = await page.ask(QUESTION)
    await page.hear("text")
    monkeypatch.setattr(registry.get_turn_log(), "append", _away)
    await page.hear("unknown")
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert answer.status == Status.FAILED and answer.text.startswith("word") and answer.ended is not None


async def test_a_log_that_cannot_be_ended_holds_up_nobody(page, library, chat, monkeypatch) -> None:
    monkeypatch.setattr(registry.get_turn_log(), "finish", _away)
    accepted = await page.get_answer(QUESTION)
    async with asyncio.timeout(WAIT_S):
        await runner.wait_until_idle()
    assert accepted.status == Status.COMPLETE


async def test_a_page_is_told_to_fetch_the_answer_where_the_log_cannot_be_followed(
    page, library, chat, monkeypatch
) -> None:
    async def tail(turn: str, after: int = 0):
        await _away()
        yield

    monkeypatch.setattr(registry.get_turn_log(), "tail", tail)
    accepted = await page.ask(QUESTION)
    assert (await page.hear("unknown"))["turn"] == accepted["turn"]
    assert (await Message.objects.aget(pk=accepted["turn"])).status == Status.COMPLETE


async def test_a_database_that_is_busy_for_a_moment_ends_no_answer(page, library, chat, monkeypatch) -> None:
    renew, failed = leases.renew_all, []

    def busy(*args, **kwargs):
        if not failed:
            failed.append(True)
            chat.gap_s = 0  # the answer ends after that, however late it was
            raise OperationalError("database is locked")
        return renew(*args, **kwargs)

    monkeypatch.setattr(leases, "renew_all", busy)
    monkeypatch.setattr(runner, "CHECKPOINT_S", 0.02)
    writes_on(chat)
    await page.ask(QUESTION)
    assert (await page.events())[-1]["status"] == Status.COMPLETE and failed


async def test_sources_that_are_stored_twice_are_kept_once(page, library, chat, monkeypatch) -> None:
    kept = []

    def remembered(*args):
        kept.append(args)
        save_sources(*args)

    monkeypatch.setattr("apps.conversations.evidence.source_numbering.save_sources", remembered)
    await page.get_answer(QUESTION)
    count = await RetrievedPassage.objects.acount()
    await in_db(save_sources, *kept[0])
    assert count == await RetrievedPassage.objects.acount() == 1
