"""Suspended means: every session, token, socket, answer and job of that person is dead within five seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from apps.conversations import turns
from apps.documents.job import Job, Lost
from apps.documents.models import Collection, Document
from apps.documents.queue import waiting
from apps.documents.upload import upload
from apps.engines.chat.fake import FakeChat
from apps.lib.threads import in_db
from apps.users import limits
from apps.users.models import User
from apps.users.people import reinstate, suspend
from apps.users.quota import Rate, Resource, Scope
from apps.users.tokens import make
from tests.conversations.conftest import open_page as open_page  # a fixture
from tests.people import person

FAKE = "fake-1B"
SOON_S = 5.0


@pytest.fixture
def alice(transactional_db: None) -> User:
    person("ada", User.Role.ADMINISTRATOR)  # somebody has to stay
    return person("alice")


@pytest.fixture
def waiting_file(alice: User, library: Collection) -> Document:
    return upload(alice, library, SimpleUploadedFile("notes.txt", b"Some notes.\n"))


async def test_everything_of_a_suspended_person_ends(
    open_page: Any, openai_client: Callable[[str], openai.AsyncOpenAI], alice: User, waiting_file: Document,
    chat: FakeChat,
) -> None:  # fmt: skip
    chat.reply, chat.gap_s = "word " * 3000, 0.01
    program = openai_client(await in_db(make, alice, "test", ["chat"], 30))
    browser = AsyncClient()
    await browser.aforce_login(alice)
    page = await open_page(alice)
    await page.ask("How long do workers of a honey bee colony live in summer?")
    await page.hear("text")
    said = [{"role": "user", "content": "Go on for ever."}]
    stream = asyncio.create_task(program.chat.completions.create(model=FAKE, messages=said))  # type: ignore[call-overload]
    while chat.running < 2:
        await asyncio.sleep(0.01)
    job = await in_db(Job.claim, waiting_file.pk)
    assert job is not None

    began = time.monotonic()
    await in_db(suspend, alice)
    assert (await browser.get("/collections/")).status_code == 302
    with pytest.raises(openai.AuthenticationError):
        await program.models.list()
    with pytest.raises(Lost):
        await in_db(job.tick, "parse", 0, 1000)  # much lies before it, so the row is told at once
    assert await page.closed(timeout=SOON_S) == 4401
    with pytest.raises((openai.APIError, httpx.HTTPError)):
        await asyncio.wait_for(stream, SOON_S)
    await asyncio.wait_for(turns.idle(), SOON_S)
    assert chat.running == 0
    assert time.monotonic() - began < SOON_S


def test_what_waited_is_not_lost(alice: User, waiting_file: Document) -> None:
    suspend(alice)
    assert waiting(5) == [] and Job.claim(waiting_file.pk) is None
    reinstate(alice)
    assert waiting(5) == [waiting_file.pk] and Job.claim(waiting_file.pk) is not None


async def test_a_person_over_a_limit_is_told_by_socket_and_by_api(
    open_page: Any, openai_client: Callable[[str], openai.AsyncOpenAI], alice: User, library: Collection, chat: FakeChat
) -> None:
    await in_db(limits.change, Scope.PERSON, Resource.MESSAGES, Rate(2, 60))
    await in_db(limits.change, Scope.PERSON, Resource.TOKENS, Rate(100_000, 0))
    try:
        page = await open_page(alice)
        assert (await page.ask("How long do workers live?"))["type"] == "accepted"
        await page.events()
        program = openai_client(await in_db(make, alice, "test", ["chat"], 30))
        said = [{"role": "user", "content": "Hello."}]
        await program.chat.completions.create(model=FAKE, messages=said)  # type: ignore[call-overload]
        refused = await page.ask("And queens?")
        assert refused["type"] == "refused" and "Try again in" in refused["words"]
        with pytest.raises(openai.RateLimitError) as caught:
            await program.chat.completions.create(model=FAKE, messages=said)  # type: ignore[call-overload]
        assert 1 <= int(caught.value.response.headers["Retry-After"]) <= 60
        assert 0 < await in_db(_tokens, alice) < 100_000
    finally:
        limits.forget()


def _tokens(user: User) -> float:
    return limits.levels(limits.buckets(user, Resource.TOKENS))[0]
