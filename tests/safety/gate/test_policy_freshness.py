"""The first text after a start is judged by the policy of the site, and no path judges by an old copy for long."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings
from django.test import Client

from apps.documents.indexing import embedders
from apps.engines import registry
from apps.images.moderation import prompts
from apps.lib.concurrency.threads import in_db
from apps.safety.detectors import canary
from apps.safety.gate import gate, pictures
from apps.safety.models import PolicyVersion
from apps.safety.policy import versions
from apps.safety.policy.schema import hash_policy
from assistant import celery, lifespan

pytestmark = pytest.mark.django_db(transaction=True)
WORD = "lighthouse"
TEXT = f"Where is the {WORD} of the harbour? It is said to be old."


@pytest.fixture(autouse=True)
def as_it_runs(settings: LazySettings) -> None:
    """As on a site: the copy of the policy is read, and read anew. Other tests have it never read."""
    settings.POLICY_S = 5.0


def in_force(action: str) -> None:
    """A list of the site does that to a word that no check minds, and the mark of the system text may be said."""
    body: dict[str, Any] = copy.deepcopy(versions.get_live_version().body)
    body["lists"] = [
        {
            "key": "towers", "name": "Towers", "owner": 0, "code": "hate", "kind": "words", "entries": [WORD],
            "action": action, "stages": ["question", "answer", "passage", "picture"], "expires": "", "note": "",
        }
    ]  # fmt: skip
    next(row for row in body["clauses"] if row["code"] == "prompt_leak")["rule"] = action
    PolicyVersion.objects.filter(pk=versions.get_live_version().pk).update(body=body, sha256=hash_policy(body))


async def question() -> bool:
    return (await gate.check_question(TEXT)).allowed


async def sentence() -> bool:
    return (await gate.check_sentence(TEXT)).allowed


async def stream() -> bool:
    async def said() -> AsyncIterator[str]:
        yield TEXT

    try:
        return bool([piece async for piece in gate.moderate_stream(said())])
    except gate.Withheld:
        return False


async def export() -> bool:
    return (await gate.check_text(TEXT)).allowed


async def sent_away() -> bool:
    return (await in_db(gate.check_outgoing, f"https://example.org/{canary.canary_token()}")).allowed


async def result_of_a_tool() -> bool:
    return (await in_db(gate.check_passage, TEXT)).allowed


async def passages() -> bool:
    vectors = np.asarray(registry.get_embedder().embed_passages([TEXT]))
    return (await in_db(embedders.screen_passages, registry.get_embedder(), [TEXT], vectors))[0].allowed


async def words_of_a_picture() -> bool:
    return (await in_db(prompts.check_prompts, [TEXT])).allowed


async def listed_words_of_a_picture() -> bool:
    return (await in_db(pictures.check_picture_prompt, TEXT)).allowed


async def picture() -> bool:
    return (await in_db(pictures.check_picture, lambda: b"", TEXT)).allowed


Path = Callable[[], Awaitable[bool]]
PATHS: tuple[Path, ...] = (
    question, sentence, stream, export, sent_away, result_of_a_tool, passages, words_of_a_picture,
    listed_words_of_a_picture, picture,
)  # fmt: skip
each_path = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)


@each_path
async def test_the_first_text_is_judged_by_the_policy_of_the_site(path: Path) -> None:
    await in_db(in_force, "withhold")
    versions.clear_cache()  # a process that has just started
    assert await path() is False


@each_path
async def test_a_new_policy_holds_on_every_path(path: Path, settings: LazySettings) -> None:
    await in_db(in_force, "withhold")
    await in_db(versions.refresh_policy)
    assert await path() is False
    await in_db(in_force, "note")
    settings.POLICY_S = 0.0  # the five seconds are over
    await path()
    await asyncio.gather(*gate._refreshing)
    settings.POLICY_S = 5.0
    assert await path() is True


async def test_first_questions_at_once_are_all_judged_by_the_live_policy() -> None:
    await in_db(in_force, "withhold")
    versions.clear_cache()
    assert not any(await asyncio.gather(*(question() for _ in range(8))))


async def test_the_web_process_has_the_policy_before_it_says_that_it_has_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def idle(*_: Any) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(lifespan.recovery, "run_sweeper", idle)
    monkeypatch.setattr(lifespan, "_warm_up", lambda: None)
    messages = iter(["lifespan.startup", "lifespan.shutdown"])
    said: list[tuple[str, bool]] = []

    async def receive() -> dict[str, str]:
        return {"type": next(messages)}

    async def send(message: dict[str, str]) -> None:
        said.append((message["type"], versions.is_loaded()))

    await lifespan.lifespan({}, receive, send)
    assert said[0] == ("lifespan.startup.complete", True)


def test_the_worker_has_the_policy_before_its_first_task() -> None:
    assert not versions.is_loaded()
    called = [receiver() for _, receiver in celery.worker_init.receivers if receiver() is celery.load_policy]
    assert called == [celery.load_policy], "it is called when a worker starts"
    celery.load_policy()
    assert versions.is_loaded()


def test_a_process_without_the_policy_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "refresh_policy", lambda: None)  # the table cannot be read
    answer = Client().get("/health/ready/")
    assert (answer.status_code, answer.content) == (503, b"the policy is not loaded\n")
    monkeypatch.undo()
    assert Client().get("/health/ready/").status_code == 200
