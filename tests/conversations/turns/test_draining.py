"""A web process that ends takes no new answers and lets the running ones end, for DRAIN_SECONDS at most."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path

import aiohttp
import openai
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from apps.conversations.models import Conversation, QueuedQuestion
from apps.conversations.realtime import consumer
from apps.conversations.turns import ephemeral, runner, running_turns
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.engines.types import EngineUnavailable
from apps.lib import draining
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from assistant import drain
from tests.api.conftest import chat_client, openai_client
from tests.conversations.conftest import writes_on
from tests.conversations.server_processes import Process, environment, opened, seed, stub_llm

__all__ = ["chat_client", "openai_client"]
QUESTION = "How high was the lighthouse of Alexandria?"
of_rows = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _over() -> Iterator[None]:
    yield
    draining.reset()


@of_rows
async def test_new_questions_are_refused_with_a_sentence_and_the_server_is_not_ready(page, library: Collection) -> None:
    draining.begin(60)
    for temporary in (False, True):
        refused = await page.ask(QUESTION, temporary=temporary)
        assert refused["type"] == "refused" and "restarting" in refused["text"]
    assert not await in_db(Conversation.objects.exists)
    ready = await in_db(Client().get, reverse("operations:ready"))
    assert ready.status_code == 503 and "draining" in ready.content.decode()


@of_rows
async def test_programs_are_told_to_come_back(chat_client: openai.AsyncOpenAI, library: Collection) -> None:
    draining.begin(60)
    with pytest.raises(openai.InternalServerError) as refused:
        await chat_client.chat.completions.create(model="openbook", messages=[{"role": "user", "content": QUESTION}])
    assert refused.value.status_code == 503 and refused.value.response.headers["Retry-After"]
    assert "restarting" in str(refused.value)


@of_rows
async def test_a_queued_question_waits_for_the_next_process(page, library: Collection, chat: FakeChat) -> None:
    writes_on(chat)
    accepted = await page.ask(QUESTION)
    await page.tell(do="queue", conversation=accepted["conversation"], text="Who damaged it?", client_id="q")
    await page.hear("queued")
    draining.begin(60)
    await page.tell(do="stop", turn=accepted["turn"])
    await page.hear("closed")
    await runner.wait_until_idle()
    row = await QueuedQuestion.objects.aget()
    assert (row.text, row.problem) == ("Who damaged it?", "")


@of_rows
async def test_an_answer_of_the_api_that_is_cut_off_says_so(alice: User, library: Collection, chat: FakeChat) -> None:
    writes_on(chat)
    turn = await ephemeral.prepare_ephemeral_turn(alice, QUESTION, (), (library.pk,))
    async with aclosing(ephemeral.stream_while_allowed(turn, ephemeral.stream_events(turn))) as events:
        await anext(events)
        draining.begin(0)
        with pytest.raises(EngineUnavailable, match="cut off"):
            async for _ in events:
                pass


@of_rows
async def test_draining_waits_for_running_answers_and_no_longer(
    page, library: Collection, chat: FakeChat, settings: Settings
) -> None:
    settings.DRAIN_SECONDS = 60
    writes_on(chat)
    accepted = await page.ask(QUESTION)
    await page.hear("text")
    ended = asyncio.Event()
    task = asyncio.create_task(drain.drain(ended.set))
    await asyncio.sleep(0.5)
    assert running_turns.count_running() == 1 and not ended.is_set()
    await page.tell(do="stop", turn=accepted["turn"])
    await asyncio.wait_for(ended.wait(), 30)
    await task
    settings.DRAIN_SECONDS, begun = 1, time.monotonic()
    draining.reset()
    await page.ask(QUESTION)
    await drain.drain(lambda: None)
    assert time.monotonic() - begun < 20 and draining.is_over()


@of_rows
async def test_pages_move_to_another_process_except_temporary_chats(open_page, alice: User, bob: User) -> None:
    moved, kept = await open_page(alice), await open_page(bob)
    await kept.ask("Hello", temporary=True)
    await kept.events()
    await consumer.move_pages(0.1)
    assert await moved.closed() == consumer.RESTARTING
    assert await kept.silent()


@pytest.fixture
def model(shared: Path) -> Iterator[Process]:
    with stub_llm(shared / "tools", rate=20, words=120) as process:  # 6 s
        yield process


async def _ask_and_end(folder: Path, model: Process, seconds: int) -> tuple[str, float, int]:
    """End a web process while it answers, with that DRAIN_SECONDS.

    Return the stored status of the answer, the seconds until the process had ended, and the status of its readiness
    meanwhile.
    """
    env = environment(folder, f"http://127.0.0.1:{model.port}/v1") | {"DRAIN_SECONDS": str(seconds)}
    key = seed(env)
    web = Process([sys.executable, "-m", "tests.conversations.server_processes", "PORT"], env)
    web.start()
    async with opened(web, key) as (wire, http):
        accepted = await wire.ask()
        await wire.until("text")
        begun = time.monotonic()
        ending = asyncio.create_task(asyncio.to_thread(web.end, signal.SIGTERM))
        await asyncio.sleep(0.3)
        async with http.get("/health/ready/") as response:
            ready = response.status
        try:
            await wire.until("closed")
        except ConnectionError as error:
            assert error.args[0].type is aiohttp.WSMsgType.CLOSE and error.args[0].data == 1012
        await ending
    took = time.monotonic() - begun
    with closing(sqlite3.connect(folder / "openbook.sqlite3")) as base:
        rows = base.execute("SELECT status FROM conversations_message WHERE role = 'assistant'").fetchall()
    assert len(rows) == 1, accepted
    return rows[0][0], took, ready


@pytest.mark.process
@pytest.mark.shared
async def test_an_answer_ends_before_its_process(tmp_path: Path, model: Process) -> None:
    status, _, ready = await _ask_and_end(tmp_path, model, 60)
    assert (status, ready) == ("complete", 503)


@pytest.mark.process
@pytest.mark.shared
async def test_an_answer_that_takes_too_long_is_cut_off_and_says_so(tmp_path: Path, model: Process) -> None:
    status, took, ready = await _ask_and_end(tmp_path, model, 1)
    assert (status, ready) == ("interrupted", 503) and took < 30
