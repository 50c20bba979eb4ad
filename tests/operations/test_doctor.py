"""Doctor: each check finds the defect, says what to do, and never raises."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.conversations.models import ModelProfile
from apps.documents.ingestion.worker import get_heartbeat_file
from apps.documents.models import Collection, Document, Segment
from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.engines.types import EngineBroken
from apps.images.moderation import blocked_names as picture_names
from apps.lib.concurrency.threads import in_db
from apps.lib.ids import new_id
from apps.operations import sample_collection
from apps.operations.doctor import engine_checks, system_checks
from apps.operations.doctor.engine_checks import STANDARD_CHECKS
from apps.operations.doctor.system_checks import GIB, CheckState
from apps.reading.sandbox import runner
from apps.safety.policy import versions
from apps.users.models import User
from tests.support.chat_models import get_fake_engine, offer_model

Usage = namedtuple("Usage", "total used free")
threads = pytest.mark.django_db(transaction=True)  # the checks ask the database from threads of their own


def document(owner: User, **fields: Any) -> Document:
    collection, _ = Collection.objects.get_or_create(owner=owner, name="Files")
    return Document.objects.create(
        collection=collection, name="a.txt", file="documents/a", sha256="0", size=1, **fields
    )


def test_the_page_lists_every_check_and_each_asks_for_itself(as_ada: Client) -> None:
    page = as_ada.get("/doctor/").content.decode()
    assert [f'hx-get="/doctor/{check.name}/"' in page for check in STANDARD_CHECKS] == [True] * len(STANDARD_CHECKS)


def test_doctor_is_for_administrators(client: Client, alice: User) -> None:
    assert client.get("/doctor/").status_code == 302
    assert client.get("/doctor/disk/").status_code == 404
    client.force_login(alice)
    assert [client.get(path).status_code for path in ("/doctor/", "/doctor/disk/")] == [404, 404]


@threads
@pytest.mark.parametrize("name", [check.name for check in STANDARD_CHECKS])
def test_doctor_checks_all_answer_in_words(as_ada: Client, name: str) -> None:
    response = as_ada.get(f"/doctor/{name}/")
    assert response.status_code == 200
    assert f'id="check-{name}"' in response.content.decode()


def test_an_unknown_check_does_not_exist(as_ada: Client) -> None:
    assert as_ada.get("/doctor/luck/").status_code == 404


@threads
async def test_a_model_that_answers_is_remembered_for_the_settings() -> None:
    from apps.lib.concurrency.threads import in_db

    assert (await engine_checks.check_chat_model()).state == CheckState.GOOD
    assert await in_db(ModelProfile.objects.get, name="fake-1B")


async def test_a_model_that_is_away_is_bad_and_says_where_to_look(settings: Settings) -> None:
    chat = registry.get_chat_engine()
    assert isinstance(chat, FakeChat)
    chat.unavailable = True
    found = await engine_checks.check_chat_model()
    assert found.state == CheckState.BAD and "Questions wait" in found.advice


@threads
def test_doctor_checks_each_further_model_by_itself(as_ada: Client, settings: Settings) -> None:
    offer_model(settings)
    page = as_ada.get("/doctor/").content.decode()
    assert 'hx-get="/doctor/model-2/"' in page and 'hx-get="/doctor/reading-2/"' in page
    assert "big-70B wrote a token" in as_ada.get("/doctor/model-2/").content.decode()
    get_fake_engine().unavailable = True
    assert "The other models keep working" in as_ada.get("/doctor/model-2/").content.decode()
    assert "fake-1B wrote a token" in as_ada.get("/doctor/model/").content.decode()
    assert as_ada.get("/doctor/model-3/").status_code == 404


async def test_vectors_that_make_no_sense_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await engine_checks.check_embedder()).state == CheckState.GOOD
    engine = registry.get_embedder()
    real = engine.embed_query
    monkeypatch.setattr(engine, "embed_query", lambda text: real(text) * 2)
    found = await engine_checks.check_embedder()
    assert found.state == CheckState.BAD and "unit length" in found.message


def test_the_worker_is_alive_while_it_signs() -> None:
    assert system_checks.check_worker().state == CheckState.BAD
    get_heartbeat_file().touch()
    assert system_checks.check_worker().state == CheckState.GOOD
    os.utime(get_heartbeat_file(), (time.time() - 300, time.time() - 300))
    found = system_checks.check_worker()
    assert found.state == CheckState.BAD and "5 minutes" in found.message


@pytest.mark.django_db
def test_a_large_database_is_not_read_through_while_a_page_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("about the file of SQLite")
    monkeypatch.setattr(system_checks, "VERIFY_BYTES", 0)
    with CaptureQueriesContext(connection) as queries:
        found = system_checks.check_database()
    assert found.state == CheckState.GOOD and "too large for a full check" in found.message
    assert not any("quick_check" in query["sql"] for query in queries)
    monkeypatch.undo()
    with CaptureQueriesContext(connection) as queries:
        assert "is intact" in system_checks.check_database().message
    assert any("quick_check" in query["sql"] for query in queries)


@pytest.mark.parametrize(
    ("free", "state"), [(100 * GIB, CheckState.GOOD), (3 * GIB, CheckState.WARN), (GIB // 2, CheckState.BAD)]
)
def test_a_disk_is_judged_by_what_is_free(monkeypatch: pytest.MonkeyPatch, free: int, state: CheckState) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(200 * GIB, 0, free))
    found = system_checks.check_disk()
    assert found.state == state
    assert bool(found.advice) == (state != CheckState.GOOD)


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        (runner.Confinement(0, True), CheckState.GOOD, "fully sandboxed"),
        (runner.Confinement(errno.EPERM, True), CheckState.WARN, "this system forbids private networks (EPERM)."),
        (runner.Confinement(errno.EPERM, True, 0, True), CheckState.WARN, "TCP connections but can send datagrams"),
        (runner.Confinement(0, True, errno.EOPNOTSUPP), CheckState.WARN, "has no Landlock (E"),
        (
            runner.Confinement(errno.ENOSYS, False),
            CheckState.WARN,
            "no private networks. This system does not enforce a",
        ),
    ],
)
def test_the_confinement_of_file_readers_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, found: runner.Confinement, state: CheckState, words: str
) -> None:
    monkeypatch.setattr(runner, "probe_confinement", lambda **_: found)
    check = system_checks.check_parsers()
    assert check.state == state and words in check.message
    assert bool(check.advice) == (state != CheckState.GOOD)


def test_file_readers_that_do_not_start_are_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> runner.Confinement:
        raise OSError("no processes left")

    monkeypatch.setattr(runner, "probe_confinement", broken)
    check = system_checks.check_parsers()
    assert check.state == CheckState.BAD and "no processes left" in check.message and check.advice


def test_a_database_without_its_last_tables_is_bad(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert system_checks.check_database().state == CheckState.GOOD
    monkeypatch.setattr(system_checks.MigrationExecutor, "migration_plan", lambda self, targets: [("0002", False)])
    assert system_checks.check_database().state == CheckState.BAD


def test_failed_documents_are_told_with_their_reasons(alice: User) -> None:
    document(alice, status=Document.Status.READY)
    assert system_checks.check_documents().state == CheckState.GOOD
    for _ in range(2):
        document(alice, status=Document.Status.FAILED, reason="This PDF is protected by a password.")
    found = system_checks.check_documents()
    assert found.state == CheckState.WARN
    assert "1 ready" in found.message and "2 failed" in found.message
    assert "2 × This PDF is protected" in found.advice


@threads
async def test_damaged_and_foreign_segments_are_found(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.lib.concurrency.threads import in_db

    assert "empty" in (await engine_checks.check_index()).message

    def segment(fingerprint: str) -> None:
        collection = Collection.objects.get_or_create(owner=alice, name="Files")[0]
        Segment.objects.create(
            id=new_id(), collection=collection, count=1, dimension=64, fingerprint=fingerprint, kind="flat",
            checksum="0", size_bytes=1,
        )  # fmt: skip

    await in_db(segment, registry.get_embedder().fingerprint)
    monkeypatch.setattr(registry.get_index(), "verify", lambda info: True)
    assert (await engine_checks.check_index()).state == CheckState.GOOD
    await in_db(segment, "another model")
    assert "another embedding model" in (await engine_checks.check_index()).message
    monkeypatch.setattr(registry.get_index(), "verify", lambda info: False)
    found = await engine_checks.check_index()
    assert found.state == CheckState.BAD and "reindex" in found.advice


@threads
async def test_a_search_that_fails_is_told(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.lib.concurrency.threads import in_db

    assert (await engine_checks.check_search()).state == CheckState.WARN
    await in_db(sample_collection.load_sample, ada)
    await in_db(lambda: Document.objects.update(status=Document.Status.READY))
    # Ready by name, but nothing of it is in the index.
    assert (await engine_checks.check_search()).state == CheckState.BAD

    async def broken(*args: object, **options: object) -> None:
        raise EngineBroken("The index is damaged.")

    monkeypatch.setattr(engine_checks, "search", broken)
    assert (await engine_checks.check_search()).message == "The index is damaged."


async def test_events_come_out_as_they_went_in() -> None:
    assert (await engine_checks.check_turn_log()).state == CheckState.GOOD


def test_mail_that_goes_nowhere_is_told(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert system_checks.check_mail().state == CheckState.WARN
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert system_checks.check_mail().state == CheckState.GOOD


@pytest.mark.parametrize(
    ("url", "secure", "state"),
    [
        ("http://localhost:8000", False, CheckState.GOOD),
        ("https://books.example.org", True, CheckState.GOOD),
        ("http://books.example.org", False, CheckState.WARN),
    ],
)
def test_passwords_in_the_open_are_told(settings: Settings, url: str, secure: bool, state: CheckState) -> None:
    settings.SITE_URL, settings.SECURE = url, secure
    assert system_checks.check_site_url().state == state


def test_a_queue_that_is_away_is_bad(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    Path(settings.DATA_DIR, "broker").mkdir()
    assert system_checks.check_broker().state == CheckState.GOOD

    def refuse(**options: object) -> Callable[[], None]:
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(system_checks.current_app, "connection_for_write", refuse)
    assert system_checks.check_broker().state == CheckState.BAD


@threads
async def test_names_that_are_still_in_the_environment_are_told_of(settings: Settings) -> None:
    assert all(check.name != "names" for check in engine_checks.list_checks())
    settings.PICTURE_NAMES = "Bob, Acme Cola"
    versions.clear_cache()
    (check,) = [check for check in engine_checks.list_checks() if check.name == "names"]
    found = await check.run()
    assert found.state is CheckState.WARN and "does not block all of its names" in found.message
    await in_db(picture_names.adopt_names)
    found = await check.run()
    assert "its 2 names are a blocklist" in found.message and "remove the setting" in found.advice
    versions.clear_cache()


async def test_missing_multilingual_model_is_a_warning_where_it_was_not_declined(settings: Settings) -> None:
    assert all(check.name != "multilingual" for check in engine_checks.list_checks())
    settings.EMBED_MULTILINGUAL = True
    (check,) = [check for check in engine_checks.list_checks() if check.name == "multilingual"]
    found = await check.run()
    assert found.state is CheckState.WARN and "setup" in found.advice
    settings.MULTILINGUAL_EMBEDDER = "Multilingual"
    assert all(check.name != "multilingual" for check in engine_checks.list_checks())


async def test_missing_picture_classifier_is_a_warning_that_says_what_is_checked_and_names_the_licence(
    settings: Settings,
) -> None:
    settings.ENGINES = {**settings.ENGINES, "pictures": {}}
    found = await engine_checks.check_image_classifier()
    assert found.state == CheckState.WARN and "Checked are the words of a request" in found.message
    assert "PICTURE_CHECK" in found.advice and "AGPL-3.0" in found.advice
