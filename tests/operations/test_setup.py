"""Set-up: the first visitor becomes administrator, each part is probed, and it ends with a question."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from apps.conversations.models import Message
from apps.documents.models import Collection, Document
from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.engines.types import ChatEngine
from apps.operations import engine_probes, first_administrator, sample_collection
from apps.users.models import User
from tests.support.password import PASSWORD

# The views ask the database from threads of their own.
pytestmark = pytest.mark.django_db(transaction=True)
FORM = {"name": "Ada", "email": "Ada@Example.org", "password": PASSWORD}


def fake() -> FakeChat:
    chat = registry.get_chat_engine()
    assert isinstance(chat, FakeChat)
    return chat


@pytest.mark.usefixtures("nobody_yet")
@pytest.mark.parametrize(
    "path", ["/", "/collections/", "/accounts/login/", "/accounts/signup/", "/doctor/", "/nowhere/"]
)
def test_pages_lead_to_setup_until_there_is_an_administrator(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, "/setup/")


@pytest.mark.usefixtures("nobody_yet")
def test_the_first_visitor_becomes_the_administrator_and_is_signed_in(client: Client) -> None:
    assert "Create account" in client.get("/setup/").content.decode()
    response = client.post("/setup/", FORM)
    assert response["Location"] == "/setup/"
    user = User.objects.get()
    assert (user.email, user.is_administrator, user.is_superuser, user.check_password(PASSWORD)) == (
        "ada@example.org",
        True,
        True,
        True,
    )
    page = client.get("/setup/").content.decode()
    assert "Signed in as ada@example.org." in page and "Load the handbook" in page
    assert client.get("/setup/").wsgi_request.user == user


@pytest.mark.usefixtures("nobody_yet")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"email": "ada"}, "Enter a valid email address"),
        ({"password": "short"}, "too short"),
        ({"password": "ada@example.org"}, "too similar"),
        ({"name": ""}, "required"),
    ],
)
def test_a_form_that_is_not_right_says_why_and_makes_nobody(client: Client, wrong: dict[str, str], words: str) -> None:
    response = client.post("/setup/", FORM | wrong)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.usefixtures("nobody_yet")
def test_first_visitors_at_once_make_one_administrator() -> None:
    first_administrator.create_administrator("ada@example.org", PASSWORD)
    first_administrator.seen.administrator = False  # the other process has not heard of it
    with pytest.raises(first_administrator.AdministratorExists):
        first_administrator.create_administrator("mallory@example.org", PASSWORD)
    assert [user.email for user in User.objects.all()] == ["ada@example.org"]


@pytest.mark.usefixtures("nobody_yet")
class TestTheCode:
    def test_setup_code_is_asked_for_where_others_could_reach_the_page(
        self, client: Client, settings: Settings
    ) -> None:
        assert "Setup code" not in client.get("/setup/").content.decode()
        assert "Setup code" in client.get("/setup/", REMOTE_ADDR="192.0.2.9").content.decode()
        settings.SITE_URL = "https://books.example.org"
        assert "Setup code" in client.get("/setup/").content.decode()

    def test_setup_code_of_the_log_is_the_only_one_taken(
        self, client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.SITE_URL = "https://books.example.org"
        client.get("/setup/")
        code = re.search(r"The set-up code is (\w{5}-\w{5})", caplog.text)
        assert code
        assert "Wrong code" in client.post("/setup/", FORM | {"code": "AAAAA-AAAAA"}).content.decode()
        assert client.post("/setup/", FORM).status_code == 200
        assert not User.objects.exists()
        client.post("/setup/", FORM | {"code": code[1].lower().replace("-", " ")})
        assert User.objects.get().is_administrator

    def test_setup_code_file_is_readable_by_its_owner_only_and_gone_when_used(self) -> None:
        first_administrator.get_setup_code()
        file = Path(settings.DATA_DIR) / "setup_code"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        first_administrator.create_administrator("ada@example.org", PASSWORD)
        assert not file.exists()


def test_setup_pages_exist_afterwards_for_administrators_only(client: Client, as_ada: Client, alice: User) -> None:
    other = Client()
    assert [other.get(f"/setup/{part}").status_code for part in ("", "model/", "embedding/")] == [404, 404, 404]
    assert other.post("/setup/", FORM).status_code == 404
    other.force_login(alice)
    assert [
        other.get(f"/setup/{part}").status_code for part in ("", "model/", "reading/", "embedding/", "sample/")
    ] == [404] * 5
    assert other.post("/setup/ask/").status_code == 404
    assert as_ada.get("/setup/").status_code == 200


def test_the_model_step_waits_until_the_model_writes(as_ada: Client) -> None:
    fake().unavailable = True
    waiting = as_ada.get("/setup/model/").content.decode()
    assert "is starting" in waiting and 'hx-trigger="every 2s"' in waiting
    fake().unavailable = False
    ready = as_ada.get("/setup/model/").content.decode()
    assert "fake-1B wrote its first word" in ready and "every 2s" not in ready
    assert 'hx-get="/setup/reading/"' in ready


@pytest.mark.django_db(transaction=True)
def test_the_reading_of_a_model_is_measured_once_and_told(as_ada: Client) -> None:
    fake().reply = "I do not know."
    assert "answered only 0 of 10 questions" in as_ada.get("/setup/reading/").content.decode()
    asked = len(fake().requests)
    assert "Quotes from your documents come first" in as_ada.get("/setup/reading/").content.decode()
    assert len(fake().requests) == asked
    assert "Trusted with quotes only: 0 of 10 questions answered correctly" in as_ada.get("/settings/").content.decode()


def test_the_page_asks_again_while_reading_is_measured(as_ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def measure(chat: ChatEngine) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(engine_probes, "get_measured_profile", measure)
    monkeypatch.setattr(engine_probes, "MEASURING_S", 0.01)
    fragment = as_ada.get("/setup/reading/").content.decode()
    assert "Testing reading comprehension" in fragment and 'hx-get="/setup/reading/"' in fragment
    assert "is being tested" in as_ada.get("/doctor/reading/").content.decode()


def test_pages_wait_less_for_a_measurement_than_htmx_for_them() -> None:
    configured = re.search(r'"timeout": (\d+)', (settings.BASE_DIR / "templates" / "base.html").read_text())
    assert configured and int(configured[1]) > engine_probes.MEASURING_S * 1000 + 5000


def test_a_model_that_goes_away_while_it_reads_is_measured_later(as_ada: Client) -> None:
    fake().unavailable = True
    assert "tested later" in as_ada.get("/setup/reading/").content.decode()


def test_the_embedding_step_compares_meanings(as_ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "told a matching sentence from an unrelated one" in as_ada.get("/setup/embedding/").content.decode()
    engine = registry.get_embedder()
    monkeypatch.setattr(
        engine, "embed_query", lambda text: engine.embed_passages(["Two glaciers feed the river in spring."])[0]
    )
    assert "nearer to a question than its answer" in as_ada.get("/setup/embedding/").content.decode()


def test_the_handbook_is_loaded_once_for_everyone(as_ada: Client, alice: User) -> None:
    for _ in range(2):
        page = as_ada.post("/setup/sample/", headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 1s"' in page
    collection = Collection.objects.visible_to(alice).get()
    assert sorted(document.name for document in collection.documents.all()) == sorted(sample_collection.FILES)


def test_a_collection_of_the_same_name_that_a_member_made_stays_theirs(ada: User, alice: User) -> None:
    theirs = Collection.objects.create(owner=alice, everyone=True, name=sample_collection.NAME)
    assert sample_collection.load_sample(ada) != theirs
    assert not theirs.documents.exists()


def test_a_file_that_failed_is_tried_again(ada: User) -> None:
    collection = sample_collection.load_sample(ada)
    collection.documents.update(status=Document.Status.FAILED, reason="The disk is full.")
    sample_collection.load_sample(ada)
    assert {document.status for document in collection.documents.all()} == {Document.Status.QUEUED}


def test_questions_are_offered_when_every_document_is_ready(as_ada: Client, ada: User) -> None:
    sample_collection.load_sample(ada)
    assert sample_collection.QUESTIONS[0] not in as_ada.get("/setup/sample/").content.decode()
    Document.objects.update(status=Document.Status.READY)
    page = as_ada.get("/setup/sample/").content.decode()
    assert all(question in page for question in sample_collection.QUESTIONS)
    assert "hx-trigger" not in page


@pytest.mark.django_db(transaction=True)
async def test_setup_ends_in_a_conversation_about_the_handbook(ada: User) -> None:
    from django.test import AsyncClient

    from apps.conversations.turns import runner
    from apps.lib.concurrency.threads import in_db

    client, signed_in = AsyncClient(), Client()
    await in_db(signed_in.force_login, ada)
    client.cookies = signed_in.cookies
    collection = await in_db(sample_collection.load_sample, ada)
    await in_db(lambda: Document.objects.update(status=Document.Status.READY))
    refused = await client.post("/setup/ask/", {"question": "\0"})
    assert (refused.status_code, await in_db(Message.objects.count)) == (409, 0)
    response = await client.post("/setup/ask/", {"question": sample_collection.QUESTIONS[1]})
    assert response.status_code == 302
    await runner.wait_until_idle()
    question = await in_db(Message.objects.select_related("conversation").get, role=Message.Role.USER)
    assert question.text == sample_collection.QUESTIONS[1]
    assert response["Location"] == f"/c/{question.conversation_id}/"
    assert await in_db(lambda: list(question.conversation.collections.all())) == [collection]


@pytest.mark.usefixtures("nobody_yet")
def test_the_command_makes_the_same_without_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("setup_demo", email="root@example.org", password=PASSWORD)
    call_command("setup_demo")
    assert User.objects.get().email == "root@example.org"
    assert Document.objects.count() == len(sample_collection.FILES)
    assert "as before" in capsys.readouterr().out
