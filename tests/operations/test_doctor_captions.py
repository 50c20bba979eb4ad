"""Doctor's check of captions, by the caption server or the worker."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from django.test import Client
from pytest_django import Settings

from apps.conversations import tasks
from apps.conversations.attachments import caption_check
from apps.engines import registry
from apps.engines.types import EngineBroken
from apps.lib.concurrency.threads import in_pool
from apps.operations.doctor import engine_checks
from apps.operations.doctor.system_checks import CheckResult, CheckState
from tests.conversations.attachments.conftest import declare_vision
from tests.engines.chat.scripted_server import answer, serving

pytestmark = pytest.mark.django_db(transaction=True)
FAKE = {"BACKEND": "apps.engines.caption.fake.FakeCaption"}


def set_up(settings: Settings, config: dict[str, Any]) -> None:
    settings.ENGINES = {**settings.ENGINES, "caption": config}
    registry._built.pop("caption", None)


def server(url: str, model: str = "tiny-vl") -> dict[str, Any]:
    return {"BACKEND": "apps.engines.caption.openai.OpenAICaption", "OPTIONS": {"url": url, "model": model}}


@pytest.fixture
def by_worker(settings: Settings, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Simulate a worker that answers at once; return the list of its requests."""
    settings.DATA_DIR = tmp_path
    set_up(settings, FAKE)
    heard: list[str] = []

    def send(task: str, args: list[str], **_: Any) -> None:
        heard.append(task)
        tasks.run_caption_test(*args)

    monkeypatch.setattr(current_app, "send_task", send)
    return heard


def test_the_page_has_it_where_pictures_are_described(as_ada: Client, settings: Settings) -> None:
    address = 'hx-get="/doctor/captions/"'
    assert address not in as_ada.get("/doctor/").content.decode()
    set_up(settings, FAKE)
    page = as_ada.get("/doctor/").content.decode()
    assert page.index('hx-get="/doctor/embedding/"') < page.index(address) < page.index('hx-get="/doctor/database/"')


async def test_a_server_describes_the_test_picture(settings: Settings) -> None:
    said = {"choices": [{"message": {"role": "assistant", "content": "A red disc."}, "finish_reason": "stop"}]}
    async with serving(answer(200, said)) as wire:
        set_up(settings, server(wire.url))
        found = await engine_checks.check_captions()
        assert len(wire.chats) == 1 and wire.chats[0]["model"] == "tiny-vl"
    assert found.state == CheckState.GOOD and found.message.startswith("tiny-vl described a test picture in ")
    assert "“A red disc.”" in found.message


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "refused this one"), (404, "refused this one"), (503, "is busy"), (500, "failed"), (200, "cannot be read")],
)
async def test_caption_check_reports_what_the_server_says(settings: Settings, status: int, words: str) -> None:
    async with serving(answer(status, {"error": "no"})) as wire:
        set_up(settings, server(wire.url))
        expect(await engine_checks.check_captions(), words, "CAPTION_URL")


async def test_a_server_that_is_away_or_a_model_without_a_name_is_told(settings: Settings) -> None:
    set_up(settings, server("http://127.0.0.1:1/v1"))
    expect(await engine_checks.check_captions(), "does not answer", "CAPTION_URL")
    set_up(settings, server("http://127.0.0.1:1/v1", ""))
    expect(await engine_checks.check_captions(), "An administrator sets CAPTION_MODEL", "CAPTION_URL")


async def test_the_worker_describes_what_it_has_the_model_for(by_worker: list[str]) -> None:
    for _ in range(2):
        found = await engine_checks.check_captions()
        assert found.state == CheckState.GOOD and "A picture that is mostly white, 320 by 240." in found.message
    assert by_worker == [caption_check.TASK_NAME] * 2, "each look is a new try"


async def test_a_model_that_cannot_be_loaded_is_told(by_worker: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(picture: bytes) -> str:
        raise EngineBroken("The model that describes pictures cannot be loaded.")

    assert (await engine_checks.check_captions()).state == CheckState.GOOD
    monkeypatch.setattr(await in_pool(registry.get_caption_engine), "caption", broken)
    expect(await engine_checks.check_captions(), "cannot be loaded", "Check CAPTION_MODEL, the check of the worker")


async def test_a_worker_that_does_not_answer_is_told(
    by_worker: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await engine_checks.check_captions()).state == CheckState.GOOD
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)
    monkeypatch.setattr(caption_check, "MAX_LOADING_S", 0.5)
    settings.CAPTION_SECONDS = 0
    expect(await engine_checks.check_captions(), "The worker did not describe the test picture", "check of the worker")


async def test_caption_check_asks_nothing_where_every_model_sees(by_worker: list[str], settings: Settings) -> None:
    declare_vision(settings)
    found = await engine_checks.check_captions()
    assert found.state == CheckState.GOOD and "can see pictures itself" in found.message and by_worker == []


def expect(found: CheckResult, words: str, advice: str) -> None:
    assert found.state == CheckState.BAD and words in found.message
    assert found.advice.startswith("Models that cannot see pictures get no description") and advice in found.advice
