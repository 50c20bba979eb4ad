"""Suspending a user ends every session, token, socket, answer and job of theirs within five seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from apps.conversations.attachments import recognition
from apps.conversations.models import AttachedPicture, ImportJob
from apps.conversations.realtime import consumer
from apps.conversations.transfer import import_job
from apps.conversations.turns import ephemeral, runner
from apps.documents.jobs.ingest_job import IngestJob, LeaseLost
from apps.documents.jobs.scheduler import list_next_documents
from apps.documents.library.uploads import store_upload
from apps.documents.models import Collection, Document
from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.engines.image.protocol import DrawnPicture, DrawRequest
from apps.images.generation import model_info, progress, worker
from apps.images.generation import scheduler as pictures
from apps.images.models import Picture
from apps.images.requests import submission
from apps.lib.concurrency.threads import in_db
from apps.users import rate_limits
from apps.users.accounts import reinstate_user, suspend_user
from apps.users.api_tokens import create_token
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from tests.conversations.conftest import WAIT_S, writes_on
from tests.conversations.conftest import open_page as open_page  # a fixture
from tests.factories import make_user

FAKE = "fake-1B"
SOON_S = 5.0


@pytest.fixture
def alice(alice: User) -> User:
    make_user("ada", User.Role.ADMINISTRATOR)  # somebody has to stay
    return alice


@pytest.fixture
def waiting_file(alice: User, library: Collection) -> Document:
    return store_upload(alice, library, SimpleUploadedFile("notes.txt", b"Some notes.\n"))


async def test_suspension_ends_sessions_tokens_sockets_answers_and_jobs(
    open_page: Any, openai_client: Callable[[str], openai.AsyncOpenAI], alice: User, waiting_file: Document,
    chat: FakeChat,
) -> None:  # fmt: skip
    writes_on(chat)
    program = openai_client(await in_db(create_token, alice, "test", ["chat"], 30))
    browser = AsyncClient()
    await browser.aforce_login(alice)
    page = await open_page(alice)
    await page.ask("How long do workers of a honey bee colony live in summer?")
    await page.hear("text")
    said = [{"role": "user", "content": "Go on for ever."}]
    stream = asyncio.create_task(program.chat.completions.create(model=FAKE, messages=said))  # type: ignore[call-overload]
    while chat.running < 2:
        await asyncio.sleep(0.01)
    [job] = await in_db(IngestJob.claim_all, [waiting_file.pk])

    assert max(consumer.RECHECK_S, runner.CHECKPOINT_S, 2 * ephemeral.RECHECK_S) < SOON_S, "and each takes a moment"
    await in_db(suspend_user, alice)
    assert (await browser.get("/collections/")).status_code == 302
    with pytest.raises(openai.AuthenticationError):
        await program.models.list()
    with pytest.raises(LeaseLost):
        await in_db(job.report_progress, "parse", 0, 1000)  # much lies before it, so the row is told at once
    assert await page.closed() == 4401
    with pytest.raises((openai.APIError, httpx2.HTTPError)):
        await asyncio.wait_for(stream, WAIT_S)
    await asyncio.wait_for(runner.wait_until_idle(), WAIT_S)
    assert chat.running == 0


def test_document_waiting_at_suspension_is_ingested_after_reinstatement(alice: User, waiting_file: Document) -> None:
    suspend_user(alice)
    assert list_next_documents(5) == [] and IngestJob.claim_all([waiting_file.pk]) == []
    reinstate_user(alice)
    assert list_next_documents(5) == [waiting_file.pk] and IngestJob.claim_all([waiting_file.pk])


def test_pictures_of_a_suspended_user_stop_and_resume_after_reinstatement(
    alice: User, monkeypatch: pytest.MonkeyPatch, settings: LazySettings, tmp_path: Path
) -> None:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    model_info.refresh_model()
    row, other = submission.request_pictures(alice, submission.PictureRequest("A red cat", count=2, seed=7))
    heard, drawn_on = progress.ProgressWatcher._report, []

    def suspended_midway(self: progress.ProgressWatcher, *said: Any) -> None:
        heard(self, *said)
        if not drawn_on:
            suspend_user(alice)
        drawn_on.append(said)

    monkeypatch.setattr(progress, "TICK_S", 0.0)
    monkeypatch.setattr(progress.ProgressWatcher, "_report", suspended_midway)
    worker.draw_picture(row.pk)
    row.refresh_from_db()
    assert (row.status, row.lease_token, row.attempts, len(drawn_on)) == ("queued", "", 0, 1), (
        "the next step was the last"
    )
    Picture.objects.update(lease_until=None)
    assert pictures.next_pictures(5) == [] and pictures.queue_positions() == {}
    worker.draw_picture(other.pk)
    other.refresh_from_db()
    assert other.status == "queued"
    monkeypatch.undo()
    reinstate_user(alice)
    assert set(pictures.next_pictures(5)) == {row.pk, other.pk}
    worker.draw_picture(row.pk)
    row.refresh_from_db()
    assert row.status == "ready"


def test_a_picture_that_came_too_late_is_not_kept(alice: User, monkeypatch: pytest.MonkeyPatch, settings: LazySettings,
                                                  tmp_path: Path) -> None:  # fmt: skip
    """Check that a picture is discarded if its engine reports nothing while it draws."""
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    model_info.refresh_model()
    row = submission.request_pictures(alice, submission.PictureRequest("A red cat", seed=7))[0]
    draw = registry.get_image_engine().draw

    def silent(request: DrawRequest, watch: object) -> DrawnPicture:
        suspend_user(alice)
        return draw(request, lambda step: None)

    monkeypatch.setattr(registry.get_image_engine(), "draw", silent)
    worker.draw_picture(row.pk)
    row.refresh_from_db()
    assert (row.status, row.file.name) == ("queued", "")
    assert list((tmp_path / "media" / "pictures").iterdir()) == []


def test_attached_pictures_and_chats_from_elsewhere_wait_too(alice: User) -> None:
    picture = AttachedPicture.objects.create(owner=alice, name="a.png", width=1, height=1, file="attached/a.png")
    chats = ImportJob.objects.create(owner=alice, name="chats.json")
    suspend_user(alice)
    assert recognition._waiting(5) == []
    recognition.process_picture(picture.pk)
    for _ in range(import_job.MAX_ATTEMPTS + 1):
        import_job.run_import(str(chats.pk))
        import_job.recover_imports()
    picture.refresh_from_db()
    chats.refresh_from_db()
    assert (picture.attempts, chats.attempts, chats.status) == (0, 0, "waiting")
    reinstate_user(alice)
    assert recognition._waiting(5) == [picture.pk]


async def test_a_person_over_a_limit_is_told_by_socket_and_by_api(
    open_page: Any, openai_client: Callable[[str], openai.AsyncOpenAI], alice: User, library: Collection, chat: FakeChat
) -> None:
    await in_db(rate_limits.change_limit, LimitScope.USER, LimitedResource.MESSAGES, Rate(2, 60))
    await in_db(rate_limits.change_limit, LimitScope.USER, LimitedResource.TOKENS, Rate(100_000, 0))
    try:
        page = await open_page(alice)
        assert (await page.ask("How long do workers live?"))["type"] == "accepted"
        await page.events()
        program = openai_client(await in_db(create_token, alice, "test", ["chat"], 30))
        said = [{"role": "user", "content": "Hello."}]
        await program.chat.completions.create(model=FAKE, messages=said)  # type: ignore[call-overload]
        refused = await page.ask("And queens?")
        assert refused["type"] == "refused" and "Try again in" in refused["text"]
        with pytest.raises(openai.RateLimitError) as caught:
            await program.chat.completions.create(model=FAKE, messages=said)  # type: ignore[call-overload]
        assert 1 <= int(caught.value.response.headers["Retry-After"]) <= 60
        assert 0 < await in_db(_tokens, alice) < 100_000
    finally:
        rate_limits.clear_rate_cache()


def _tokens(user: User) -> float:
    return rate_limits.read_levels(rate_limits.list_buckets(user, LimitedResource.TOKENS))[0]
