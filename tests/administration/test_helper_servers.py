"""Judge, guard and picture server of the page: tried before they are stored, used without restart, key never shown."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from apps.conversations.core import helper_servers, model_servers
from apps.conversations.models import HelperServer
from apps.documents.models import Collection
from apps.engines import registry
from apps.engines.image.openai import OpenAIPainter
from apps.engines.types import EngineUnavailable
from apps.images.generation import model_info
from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry, snapshot_keys
from apps.users.models import User
from tests.factories import make_client, make_collection
from tests.support.stub_model_server import StubServer, serving_models

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "sk-Zephyrine-42"
GUARD, JUDGE = "/administration/models/helpers/guard/", "/administration/models/helpers/judge/"
IMAGE = "/administration/models/helpers/image/"
SAFE = "safe"
VERDICT = json.dumps({"sentences": [{"sentence": 1, "evidence": [], "verdict": "supported"}]})


@pytest.fixture(autouse=True)
def _no_servers_of_other_tests() -> Iterator[None]:
    yield
    model_servers.reset_page_models()


@pytest.fixture
def stub(settings: Settings) -> Iterator[StubServer]:
    """Run a server with a key, which LLM_HOSTS lists, and which finds every text safe."""
    with serving_models(key=KEY, answer=SAFE) as server:
        settings.LLM_HOSTS = {server.endpoint}
        yield server


def save(admin: Client, stub: StubServer, path: str = GUARD, **fields: str) -> Any:
    given = {"url": stub.url, "model": "guard-8B", "form": "llama_guard", "key": KEY}
    return admin.post(path, given | fields)


async def test_guard_of_the_page_is_asked_with_its_key(ada: User, stub: StubServer) -> None:
    row = HelperServer(kind="guard", url=stub.url, model="guard-8B", form="llama_guard", key=KEY)
    guard = registry.build_chat_engine(model_servers.make_helper_config(row))
    assert await guard.judge("When does the gate close?", False, {}) == {}
    assert stub.keys == [f"Bearer {KEY}"] and stub.asked[0]["model"] == "guard-8B"


def test_server_is_tried_stored_and_used_without_a_restart(admin: Client, stub: StubServer) -> None:
    assert registry.get_guard_engine() is None
    assert save(admin, stub)["Location"] == GUARD
    assert len(stub.asked) == 1 and "close" in str(stub.asked[0]["messages"])
    guard = registry.get_guard_engine()
    assert guard is not None and guard.name == "guard-8B" and registry.get_guard_engine() is guard
    save(admin, stub, model="guard-9B", key="")
    changed = registry.get_guard_engine()
    assert changed is not None and changed.name == "guard-9B" and HelperServer.objects.get().key == KEY
    assert "guard-9B" in admin.get("/administration/models/").content.decode()
    admin.post(f"{GUARD}remove/")
    assert registry.get_guard_engine() is None
    changes = [entry.payload["after"] for entry in AuditEntry.objects.filter(kind="server.changed").order_by("seq")]
    assert [bool(after) for after in changes] == [True, True, False]


def test_judge_of_the_page_is_used(admin: Client, stub: StubServer) -> None:
    stub.answer = "not a verdict"
    page = save(admin, stub, JUDGE, form="chat").content.decode()
    assert "judge" in page and not HelperServer.objects.exists(), "an answer that cannot be read is no judge"
    stub.answer = VERDICT
    assert save(admin, stub, JUDGE, form="chat").status_code == 302
    judge = registry.get_judge_engine()
    assert judge is not None and judge.name == "guard-8B" and registry.get_guard_engine() is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"key": "sk-Wrongword-7"}, "The guard model failed"),
        ({"url": "http://127.0.0.1:9/v1"}, "This address cannot be used"),
        ({"form": "none"}, "not one of the available choices"),
    ],
)
def test_server_that_cannot_be_used_is_not_stored(
    admin: Client, stub: StubServer, fields: dict[str, str], words: str
) -> None:
    page = save(admin, stub, **fields).content.decode()
    assert (
        words in page
        and "sk-Wrongword-7" not in page
        and not HelperServer.objects.exists()
        and registry.get_guard_engine() is None
    )


def test_key_is_encrypted_and_in_no_page_or_log(
    admin: Client, stub: StubServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    save(admin, stub)
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM conversations_helperserver")
        (stored,) = cursor.fetchone()
    assert stored.startswith("fernet:") and KEY not in stored
    assert snapshot_keys.rotate_key() == 1 and HelperServer.objects.get().key == KEY
    pages = [admin.get(path).content.decode() for path in (GUARD, "/administration/models/", "/review/log/")]
    assert not any(KEY in page for page in pages) and KEY not in caplog.text
    assert KEY not in str(list(AuditEntry.objects.values()))


def test_stored_key_goes_to_no_other_host(admin: Client, stub: StubServer, settings: Settings) -> None:
    save(admin, stub)
    with serving_models(answer=SAFE) as other:
        settings.LLM_HOSTS = {stub.endpoint, other.endpoint}
        assert save(admin, other, key="").status_code == 302
        assert other.keys == [""]
    assert HelperServer.objects.get().key == ""


async def test_name_that_points_elsewhere_later_is_refused_then(stub: StubServer, settings: Settings) -> None:
    row = HelperServer(kind="guard", url=stub.url, model="guard-8B", form="llama_guard", key=KEY)
    guard = registry.build_chat_engine(model_servers.make_helper_config(row))
    settings.LLM_HOSTS = set()
    with pytest.raises(EngineUnavailable):
        await guard.judge("When does the gate close?", False, {})
    assert stub.keys == []


def test_environment_wins_and_is_shown(admin: Client, ada: User, stub: StubServer, settings: Settings) -> None:
    save(admin, stub)
    settings.ENGINES = {**settings.ENGINES, "guard": {"BACKEND": "apps.engines.classify.guard_model.FakeGuard"}}
    registry.reset()
    guard = registry.get_guard_engine()
    assert guard is not None and guard.name == "guard-fake"
    assert "The environment sets it" in admin.get(GUARD).content.decode()
    with pytest.raises(ActionRefused):
        helper_servers.save_helper(ada, HelperServer(kind="guard", url=stub.url, model="x", form="llama_guard"))


def test_only_administrators_change_them(alice: User, morgan: User, stub: StubServer) -> None:
    for user in (alice, morgan):
        assert make_client(user).get(GUARD).status_code in (403, 404)
        with pytest.raises(ActionRefused):
            helper_servers.save_helper(user, HelperServer(kind="guard", url=stub.url, model="x", form="llama_guard"))
        with pytest.raises(ActionRefused):
            helper_servers.remove_helper(user, "guard")
    assert not stub.keys


def test_server_outside_is_not_asked_while_a_collection_must_not_leave_the_house(
    admin: Client, alice: User, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(admin, stub)
    monkeypatch.setattr(model_servers, "is_outside_address", lambda url, listed: True)
    collection = make_collection(alice)
    model_servers.refresh_page_models()
    assert registry.get_guard_engine() is not None
    Collection.objects.filter(pk=collection.pk).update(inside_only=True)
    model_servers.refresh_page_models()
    assert registry.get_guard_engine() is None
    assert "It is not asked now" in admin.get(GUARD).content.decode()
    asked = len(stub.asked)
    assert "must not leave the house, and this server is outside" in save(admin, stub).content.decode()
    assert len(stub.asked) == asked


def test_picture_server_takes_the_place_of_the_packaged_painter(
    admin: Client, stub: StubServer, settings: Settings
) -> None:
    settings.IMAGE_IS_FIXED = False
    before = registry.get_image_engine()
    refused = save(admin, stub, IMAGE, form="draws", model="other").content.decode()
    assert "does not list this model" in refused and registry.get_image_engine() is before
    assert save(admin, stub, IMAGE, form="edits", model="stub-7B").status_code == 302
    painter = registry.get_image_engine()
    assert isinstance(painter, OpenAIPainter) and painter.model().accepts_mask and painter.model().name == "stub-7B"
    model_info.refresh_model()  # as the worker does
    assert model_info.get_model().name == "stub-7B"
    status, body = painter._send("GET", f"{stub.url}/models")
    assert status == 200 and b"stub-7B" in body and stub.keys[-1] == f"Bearer {KEY}"
    asked, settings.LLM_HOSTS = len(stub.keys), set()
    with pytest.raises(EngineUnavailable):
        painter._send("GET", f"{stub.url}/models")
    assert len(stub.keys) == asked, "the host may no longer be connected to"
    settings.IMAGE_IS_FIXED = True
    assert registry.get_image_engine() is before, "the environment wins"
    assert "The environment sets it" in admin.get(IMAGE).content.decode()


def test_unknown_kind_has_no_page(admin: Client) -> None:
    assert admin.get("/administration/models/helpers/rank/").status_code == 404
