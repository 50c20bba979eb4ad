"""Model servers added on the page: tested, offered to groups, changed and removed; the key is never shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from pytest_django import Settings

from apps.conversations.core import model_choice, model_servers
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Assistant, Conversation, ModelServer, ServedModel
from apps.engines import registry
from apps.engines.types import EngineRefused
from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry, snapshot_keys
from apps.users.api_tokens import create_token
from apps.users.models import User
from tests.support.stub_model_server import StubServer, serving_models

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "sk-Zephyrine-42"
NEW = "/administration/models/servers/new/"


@pytest.fixture(autouse=True)
def _no_models_of_other_tests() -> Iterator[None]:
    yield
    model_servers.reset_page_models()


@pytest.fixture
def stub(settings: Settings) -> Iterator[StubServer]:
    """Run a server with a key, which LLM_HOSTS lists."""
    with serving_models(key=KEY, reasoning=True) as server:
        settings.LLM_HOSTS = {server.endpoint}
        yield server


def add(admin: Client, stub: StubServer, **fields: str) -> Any:
    return admin.post(NEW, {"name": "Rack", "url": stub.url, "key": KEY, **fields})


def change_model(admin: Client, row: ServedModel, **fields: Any) -> Any:
    """Submit the form of the model with these fields changed; None leaves a field out."""
    given = {
        "name": row.name, "description": "", "position": "0", "enabled": "on", "for_everyone": "on",
        "context_tokens": "0", "reasoning": "", **fields,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    return admin.post(f"/administration/models/{row.pk}/", given)


def offered(user: User) -> list[str]:
    return [model.label or model.name for model in model_choice.list_usable_models(user)]


def test_a_server_is_asked_and_its_only_model_is_offered_at_once(admin: Client, alice: User, stub: StubServer) -> None:
    response = add(admin, stub)
    row = ServedModel.objects.get()
    assert response["Location"] == f"/administration/models/{row.pk}/"
    assert (row.name, row.tools, row.pictures, row.reasoning) == ("stub-7B", True, False, "yes")
    assert not row.server.outside, "its address is listed as one of the house"
    assert offered(alice)[1:] == ["stub-7B"]
    assert "stub-7B" in admin.get("/administration/models/").content.decode()
    assert [entry.kind for entry in AuditEntry.objects.order_by("seq")] == ["server.added", "model.added"]


async def test_requests_to_a_server_carry_its_key(ada: User, stub: StubServer) -> None:
    await model_servers.ask_abilities(stub.url, KEY, "stub-7B")
    assert set(stub.keys) == {f"Bearer {KEY}"}


def test_the_key_is_in_no_page_error_log_or_clear_column(
    admin: Client, stub: StubServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "sk-Wrongword-7"
    page = add(admin, stub, key=wrong).content.decode()
    assert "does not accept the key" in page and wrong not in page
    add(admin, stub)
    server, row = ModelServer.objects.get(), ServedModel.objects.get()
    base, own = "/administration/models/", f"/administration/models/servers/{server.pk}/"
    addresses = (base, f"{base}{row.pk}/", own, f"{own}offered/", "/review/log/", "/administration/environment/")
    pages = [admin.get(address).content.decode() for address in addresses]
    stub.key = "another"
    pages.append(admin.get(f"{own}offered/").content.decode())
    assert "does not accept the key" in pages[-1]
    assert not any(KEY in page for page in pages) and KEY not in caplog.text and wrong not in caplog.text
    assert KEY not in str(list(AuditEntry.objects.values())) and KEY not in repr(server)
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM conversations_modelserver")
        (stored,) = cursor.fetchone()
    assert stored.startswith("fernet:") and KEY not in stored
    assert ModelServer.objects.get().key == KEY
    assert snapshot_keys.has_encrypted_texts() and snapshot_keys.rotate_key() == 1
    assert ModelServer.objects.get().key == KEY, "a rotation of the keys keeps it readable"


def test_a_stored_key_goes_to_no_other_host(admin: Client, stub: StubServer, settings: Settings) -> None:
    add(admin, stub)
    server = ModelServer.objects.get()
    with serving_models() as other:
        settings.LLM_HOSTS = {stub.endpoint, other.endpoint}
        given = {"name": "Rack", "url": other.url, "key": "", "enabled": "on"}
        assert admin.post(f"/administration/models/servers/{server.pk}/", given).status_code == 302
        assert other.keys == [""]
    server.refresh_from_db()
    assert server.key == "" and server.url == other.url


def test_an_empty_key_keeps_the_stored_one(admin: Client, stub: StubServer) -> None:
    add(admin, stub)
    server = ModelServer.objects.get()
    given = {"name": "Cellar", "url": stub.url, "key": "", "enabled": "on", "outside": "on"}
    admin.post(f"/administration/models/servers/{server.pk}/", given)
    server.refresh_from_db()
    assert (server.name, server.key, server.outside) == ("Cellar", KEY, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/v1", "http://169.254.169.254/v1", "https://10.0.0.5/v1", "https://localhost/v1",
        "ftp://example.com", "https://user:secret@example.com/v1", "https://[::1]/v1", "http://0x7f000001/v1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_listed_is_refused(admin: Client, url: str) -> None:
    page = add(admin, StubServer(url=url)).content.decode()
    assert "This address cannot be used" in page and not ModelServer.objects.exists()


def test_a_name_that_points_elsewhere_later_is_refused_then(
    ada: User, stub: StubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        return [(None, None, None, "", ("169.254.169.254", port))]

    monkeypatch.setattr(model_servers.socket, "getaddrinfo", look_up)
    settings.LLM_HOSTS = {("gpu.internal", 8000)}
    with pytest.raises(ActionRefused):
        model_servers.check_url("http://gpu.internal:8000/v1")


def test_a_server_taken_out_of_the_list_is_offered_no_longer(
    admin: Client, alice: User, stub: StubServer, settings: Settings
) -> None:
    add(admin, stub)
    settings.LLM_HOSTS = set()
    model_servers.refresh_page_models()
    assert "stub-7B" not in offered(alice)


def test_a_server_that_cannot_be_asked_is_not_stored(admin: Client, stub: StubServer, settings: Settings) -> None:
    with serving_models() as gone:
        settings.LLM_HOSTS = {stub.endpoint, gone.endpoint}
    assert "does not answer" in add(admin, gone).content.decode()
    stub.models = ()
    assert "does not list its models" in add(admin, stub).content.decode()
    assert not ModelServer.objects.exists()


def test_models_of_a_server_with_several_are_added_one_by_one(admin: Client, stub: StubServer) -> None:
    stub.models, stub.pictures = ("org/small-1B", "org/large-70B"), True
    response = add(admin, stub)
    server = ModelServer.objects.get()
    assert response["Location"] == f"/administration/models/servers/{server.pk}/" and not ServedModel.objects.exists()
    listed = admin.get(f"/administration/models/servers/{server.pk}/offered/").content.decode()
    assert "org/small-1B" in listed and "8,192 tokens" in listed
    admin.post(f"/administration/models/servers/{server.pk}/add/", {"model": "org/large-70B"})
    row = ServedModel.objects.get()
    assert (row.name, row.served_name, row.pictures) == ("large-70B", "org/large-70B", True)
    assert "large-70B" not in admin.get(f"/administration/models/servers/{server.pk}/offered/").content.decode()
    admin.post(f"/administration/models/servers/{server.pk}/add/", {"model": "invented"})
    assert ServedModel.objects.count() == 1


def test_a_model_for_a_group_is_offered_and_accepted_only_there(
    admin: Client, alice: User, bob: User, stub: StubServer
) -> None:
    add(admin, stub)
    row, group = ServedModel.objects.get(), Group.objects.create(name="Finance")
    bob.groups.add(group)
    change_model(admin, row, for_everyone=None, groups=[group.pk])
    assert offered(bob)[1:] == ["stub-7B"] and "stub-7B" not in offered(alice)
    assert model_choice.resolve_model(bob, Conversation(), None, "stub-7B") == ("stub-7B", "")
    with pytest.raises(RequestRefused):
        model_choice.resolve_model(alice, Conversation(), None, "stub-7B")
    assert model_choice.resolve_model(alice, Conversation(model="stub-7B"), None) == ("main", "stub-7B")
    assert model_choice.resolve_model(alice, Conversation(), Assistant(model="stub-7B")) == ("main", "stub-7B")
    for user, count in ((alice, 0), (bob, 2)):
        secret = create_token(user, "Script", ["chat"], None)
        headers = {"Authorization": f"Bearer {secret}"}
        listed = Client().get("/v1/models", headers=headers).json()["data"]
        assert sum("stub-7B" in one["id"] for one in listed) == count
        asked = {"model": "stub-7B", "messages": [{"role": "user", "content": "Hi"}]}
        response = Client().post("/v1/chat/completions", asked, content_type="application/json", headers=headers)
        assert response.status_code == (200 if count else 404)
    group.delete()
    model_servers.refresh_page_models()
    assert "stub-7B" not in offered(bob), "a group that is gone opens the model to nobody"


def test_the_default_of_the_page_answers_in_place_of_the_packaged_model(
    admin: Client, alice: User, stub: StubServer
) -> None:
    add(admin, stub)
    row = ServedModel.objects.get()
    change_model(admin, row, is_default="on", name="House model")
    assert [model.label for model in registry.list_chat_models()] == ["House model"]
    assert registry.get_chat_engine() is registry.get_chat_engine("House model")
    assert model_choice.resolve_model(alice, Conversation(), None) == ("main", "")
    assert model_choice.resolve_model(alice, Conversation(model="House model"), None) == ("House model", "")


def test_a_default_of_the_environment_wins(admin: Client, stub: StubServer, settings: Settings) -> None:
    add(admin, stub)
    change_model(admin, ServedModel.objects.get(), is_default="on")
    settings.DEFAULT_MODEL_IS_FIXED = True
    model_servers.refresh_page_models()
    assert [model.name for model in registry.list_chat_models()] == ["main", "stub-7B"]
    assert "the environment names a server" in admin.get("/administration/models/").content.decode()


def test_the_default_is_for_everyone(admin: Client, stub: StubServer) -> None:
    add(admin, stub)
    page = change_model(admin, ServedModel.objects.get(), is_default="on", for_everyone=None).content.decode()
    assert "must be in use, and for everyone" in page and not ServedModel.objects.get().is_default


@pytest.mark.parametrize("name", ["main", "MAIN", "openbook", "a/b"])
def test_a_name_of_the_environment_is_refused(admin: Client, stub: StubServer, name: str) -> None:
    add(admin, stub)
    assert "Choose another name" in change_model(admin, ServedModel.objects.get(), name=name).content.decode()


def test_a_renamed_model_stays_chosen(admin: Client, alice: User, stub: StubServer) -> None:
    add(admin, stub)
    chat = Conversation.objects.create(owner=alice, model="stub-7B")
    change_model(admin, ServedModel.objects.get(), name="House model")
    chat.refresh_from_db()
    assert chat.model == "House model"


def test_a_removed_or_switched_off_model_is_offered_no_longer_and_its_engine_goes_on(
    admin: Client, alice: User, stub: StubServer
) -> None:
    add(admin, stub)
    row = ServedModel.objects.get()
    engine = registry.get_chat_engine("stub-7B")
    change_model(admin, row, enabled=None)
    assert "stub-7B" not in offered(alice)
    change_model(admin, row)
    admin.post(f"/administration/models/servers/{row.server_id}/remove/")
    assert "stub-7B" not in offered(alice) and not ServedModel.objects.exists()
    assert registry.get_chat_engine("stub-7B") is engine, "a running answer is finished"
    with pytest.raises(EngineRefused):
        registry.get_chat_engine("never offered")


def test_a_changed_key_gives_a_new_engine(admin: Client, stub: StubServer) -> None:
    add(admin, stub)
    before = registry.get_chat_engine("stub-7B")
    stub.key = "sk-new"
    given = {"name": "Rack", "url": stub.url, "key": "sk-new", "enabled": "on"}
    admin.post(f"/administration/models/servers/{ModelServer.objects.get().pk}/", given)
    assert registry.get_chat_engine("stub-7B") is not before


def test_a_change_is_read_by_other_processes_within_seconds(ada: User, stub: StubServer, settings: Settings) -> None:
    server = ModelServer.objects.create(name="Rack", url=stub.url, key=KEY, outside=False)
    ServedModel.objects.create(server=server, served_name="stub-7B", name="Late")
    settings.MODEL_SERVERS_S = 0.0
    assert any(model.name == "Late" for model in registry.list_chat_models())


def test_a_key_that_cannot_be_decrypted_is_not_sent_and_is_asked_for(admin: Client, stub: StubServer) -> None:
    add(admin, stub)
    foreign = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    with connection.cursor() as cursor:  # as after a restore without the file of keys
        cursor.execute("UPDATE conversations_modelserver SET key = %s", [f"fernet:{foreign}"])
    server = ModelServer.objects.get()
    assert server.usable_key == ""
    page = admin.get(f"/administration/models/servers/{server.pk}/").content.decode()
    assert "can no longer be read. Enter it again." in page
    model_servers.refresh_page_models()
    assert model_servers.load_page_models().configs["stub-7B"]["OPTIONS"]["api_key"] == ""


def test_members_and_reviewers_change_nothing(alice: User, morgan: User, stub: StubServer) -> None:
    for user in (alice, morgan):
        with pytest.raises(ActionRefused):
            model_servers.add_server(user, name="Rack", url=stub.url, key="")
