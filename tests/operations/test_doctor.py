"""The Doctor: every check finds what is wrong, says what to do, and never fails itself."""

from __future__ import annotations

import errno
import os
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
from apps.documents.sandbox import runner
from apps.engines import registry
from apps.engines.base import EngineBroken
from apps.engines.chat.fake import FakeChat
from apps.images.moderation import blocked_names as picture_names
from apps.lib.ids import new_id
from apps.lib.threads import in_db
from apps.operations import checks, engine_checks, sample
from apps.operations.checks import GIB, State
from apps.operations.engine_checks import ALL
from apps.safety.policy import versions
from apps.users.models import User
from tests.several import engine, offer

Usage = namedtuple("Usage", "total used free")
threads = pytest.mark.django_db(transaction=True)  # the checks ask the database from threads of their own


def document(owner: User, **fields: Any) -> Document:
    collection, _ = Collection.objects.get_or_create(owner=owner, name="Files")
    return Document.objects.create(
        collection=collection, name="a.txt", file="documents/a", sha256="0", size=1, **fields
    )


def test_the_page_lists_every_check_and_each_asks_for_itself(as_ada: Client) -> None:
    page = as_ada.get("/doctor/").content.decode()
    assert [f'hx-get="/doctor/{check.name}/"' in page for check in ALL] == [True] * len(ALL)


def test_it_is_for_administrators(client: Client, alice: User) -> None:
    assert client.get("/doctor/").status_code == 302
    assert client.get("/doctor/disk/").status_code == 404
    client.force_login(alice)
    assert [client.get(path).status_code for path in ("/doctor/", "/doctor/disk/")] == [404, 404]


@threads
@pytest.mark.parametrize("name", [check.name for check in ALL])
def test_every_check_answers_in_words(as_ada: Client, name: str) -> None:
    response = as_ada.get(f"/doctor/{name}/")
    assert response.status_code == 200
    assert f'id="check-{name}"' in response.content.decode()


def test_an_unknown_check_does_not_exist(as_ada: Client) -> None:
    assert as_ada.get("/doctor/luck/").status_code == 404


@threads
async def test_a_model_that_answers_is_remembered_for_the_settings() -> None:
    from apps.lib.threads import in_db

    assert (await engine_checks.model()).state == State.GOOD
    assert await in_db(ModelProfile.objects.get, name="fake-1B")


async def test_a_model_that_is_away_is_bad_and_says_where_to_look(settings: Settings) -> None:
    chat = registry.chat()
    assert isinstance(chat, FakeChat)
    chat.away = True
    found = await engine_checks.model()
    assert found.state == State.BAD and "Questions wait" in found.advice


@threads
def test_each_further_model_is_asked_for_itself(as_ada: Client, settings: Settings) -> None:
    offer(settings)
    page = as_ada.get("/doctor/").content.decode()
    assert 'hx-get="/doctor/model-2/"' in page and 'hx-get="/doctor/reading-2/"' in page
    assert "big-70B wrote a token" in as_ada.get("/doctor/model-2/").content.decode()
    engine().away = True
    assert "The other models go on" in as_ada.get("/doctor/model-2/").content.decode()
    assert "fake-1B wrote a token" in as_ada.get("/doctor/model/").content.decode()
    assert as_ada.get("/doctor/model-3/").status_code == 404


async def test_vectors_that_make_no_sense_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await engine_checks.embedder()).state == State.GOOD
    engine = registry.embed()
    real = engine.embed_query
    monkeypatch.setattr(engine, "embed_query", lambda text: real(text) * 2)
    found = await engine_checks.embedder()
    assert found.state == State.BAD and "unit length" in found.words


async def test_the_worker_is_alive_while_it_signs() -> None:
    assert (await checks.worker()).state == State.BAD
    get_heartbeat_file().touch()
    assert (await checks.worker()).state == State.GOOD
    os.utime(get_heartbeat_file(), (time.time() - 300, time.time() - 300))
    found = await checks.worker()
    assert found.state == State.BAD and "5 minutes" in found.words


@pytest.mark.django_db
def test_a_large_database_is_not_read_through_while_a_page_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("about the file of SQLite")
    monkeypatch.setattr(checks, "READ_THROUGH", 0)
    with CaptureQueriesContext(connection) as queries:
        found = checks._database()
    assert found.state == State.GOOD and "too large to be read through" in found.words
    assert not any("quick_check" in query["sql"] for query in queries)
    monkeypatch.undo()
    with CaptureQueriesContext(connection) as queries:
        assert "is sound" in checks._database().words
    assert any("quick_check" in query["sql"] for query in queries)


@pytest.mark.parametrize(("free", "state"), [(100 * GIB, State.GOOD), (3 * GIB, State.WARN), (GIB // 2, State.BAD)])
def test_a_disk_is_judged_by_what_is_free(free: int, state: State) -> None:
    found = checks._disk(lambda path: Usage(200 * GIB, 0, free))  # type: ignore[arg-type,return-value]
    assert found.state == state
    assert bool(found.advice) == (state != State.GOOD)


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        (runner.Confinement(0, True), State.GOOD, "fully confined"),
        (runner.Confinement(errno.EPERM, True), State.WARN, "this system forbids private networks (EPERM)."),
        (runner.Confinement(errno.EPERM, True, 0, True), State.WARN, "no TCP connection, but send datagrams"),
        (runner.Confinement(0, True, errno.EOPNOTSUPP), State.WARN, "offers no Landlock (E"),
        (runner.Confinement(errno.ENOSYS, False), State.WARN, "no private networks. This system does not enforce a"),
    ],
)
def test_the_confinement_of_file_readers_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, found: runner.Confinement, state: State, words: str
) -> None:
    monkeypatch.setattr(runner, "probe_confinement", lambda: found)
    check = checks._readers()
    assert check.state == state and words in check.words
    assert bool(check.advice) == (state != State.GOOD)


def test_file_readers_that_do_not_start_are_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> runner.Confinement:
        raise OSError("no processes left")

    monkeypatch.setattr(runner, "probe_confinement", broken)
    check = checks._readers()
    assert check.state == State.BAD and "no processes left" in check.words and check.advice


def test_a_database_without_its_last_tables_is_bad(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks._database().state == State.GOOD
    monkeypatch.setattr(checks.MigrationExecutor, "migration_plan", lambda self, targets: [("0002", False)])
    assert checks._database().state == State.BAD


def test_failed_documents_are_told_with_their_reasons(alice: User) -> None:
    document(alice, status=Document.Status.READY)
    assert checks._documents().state == State.GOOD
    for _ in range(2):
        document(alice, status=Document.Status.FAILED, reason="This PDF is protected by a password.")
    found = checks._documents()
    assert found.state == State.WARN
    assert "1 ready" in found.words and "2 failed" in found.words
    assert "2 × This PDF is protected" in found.advice


@threads
async def test_damaged_and_foreign_segments_are_found(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.lib.threads import in_db

    assert "empty" in (await engine_checks.index()).words

    def segment(fingerprint: str) -> None:
        collection = Collection.objects.get_or_create(owner=alice, name="Files")[0]
        Segment.objects.create(
            id=new_id(), collection=collection, count=1, dimension=64, fingerprint=fingerprint, kind="flat",
            checksum="0", size_bytes=1,
        )  # fmt: skip

    await in_db(segment, registry.embed().fingerprint)
    monkeypatch.setattr(registry.index(), "verify", lambda info: True)
    assert (await engine_checks.index()).state == State.GOOD
    await in_db(segment, "another model")
    assert "another embedding model" in (await engine_checks.index()).words
    monkeypatch.setattr(registry.index(), "verify", lambda info: False)
    found = await engine_checks.index()
    assert found.state == State.BAD and "reindex" in found.advice


@threads
async def test_a_search_that_fails_is_told(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.lib.threads import in_db

    assert (await engine_checks.searching()).state == State.WARN
    await in_db(sample.load, ada)
    await in_db(lambda: Document.objects.update(status=Document.Status.READY))
    assert (await engine_checks.searching()).state == State.BAD  # ready by name, but nothing of it is in the index

    async def broken(*args: object, **options: object) -> None:
        raise EngineBroken("The index is damaged.")

    monkeypatch.setattr(engine_checks, "search", broken)
    assert (await engine_checks.searching()).words == "The index is damaged."


async def test_events_come_out_as_they_went_in() -> None:
    assert (await engine_checks.turn_log()).state == State.GOOD


async def test_mail_that_goes_nowhere_is_told(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert (await checks.mail()).state == State.WARN
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert (await checks.mail()).state == State.GOOD


@pytest.mark.parametrize(
    ("url", "secure", "state"),
    [
        ("http://localhost:8000", False, State.GOOD),
        ("https://books.example.org", True, State.GOOD),
        ("http://books.example.org", False, State.WARN),
    ],
)
async def test_passwords_in_the_open_are_told(settings: Settings, url: str, secure: bool, state: State) -> None:
    settings.SITE_URL, settings.SECURE = url, secure
    assert (await checks.address()).state == state


async def test_a_queue_that_is_away_is_bad(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    Path(settings.DATA_DIR, "broker").mkdir()
    assert (await checks.broker()).state == State.GOOD

    def refuse(**options: object) -> Callable[[], None]:
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(checks.current_app, "connection_for_write", refuse)
    assert (await checks.broker()).state == State.BAD


@threads
async def test_names_that_are_still_in_the_environment_are_told_of(settings: Settings) -> None:
    assert all(check.name != "names" for check in engine_checks.every())
    settings.PICTURE_NAMES = "Bob, Acme Cola"
    versions.clear_cache()
    (check,) = [check for check in engine_checks.every() if check.name == "names"]
    found = await check.run()
    assert found.state is State.WARN and "does not keep all of its names" in found.words
    await in_db(picture_names.adopt_names)
    found = await check.run()
    assert "its 2 names are a list" in found.words and "take the setting out" in found.advice
    versions.clear_cache()
