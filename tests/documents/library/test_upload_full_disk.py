"""An upload to a full disk is refused in words and leaves nothing half stored; the server says it is not ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from apps.documents.library import uploads
from apps.documents.models import Collection, Document, RefusedUpload
from apps.lib import disk_space
from apps.users import rate_limits
from apps.users.models import User
from tests.factories import make_client
from tests.support.tiny_disk import tiny_disk

pytestmark = pytest.mark.django_db(transaction=True)


def full(*_: object, **__: object) -> None:
    raise OperationalError("database or disk is full")


@pytest.fixture
def collection(alice: User, settings: Any, tmp_path: Path) -> Collection:
    settings.MEDIA_ROOT = tmp_path / "media"
    collection = Collection.objects.create(owner=alice, name="Library")
    uploads.store_upload(alice, collection, SimpleUploadedFile("before.txt", b"What was there before."))
    return collection


def sent(user: User, collection: Collection, accept: str = "application/json") -> Any:
    client = make_client(user)
    data = {"files": SimpleUploadedFile("a.txt", b"Thirty days of paid leave.")}
    return client.post(reverse("documents:upload", args=[collection.pk]), data, headers={"Accept": accept})


@pytest.mark.parametrize("broken", ["row", "quota", "tray"])
def test_an_upload_says_that_the_disk_is_full_and_stores_nothing(
    alice: User, collection: Collection, settings: Any, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    if broken == "row":
        monkeypatch.setattr(Document.objects, "create", full)
    elif broken == "quota":
        monkeypatch.setattr(rate_limits, "consume", full)
    else:
        monkeypatch.setattr(RefusedUpload.objects, "create", full)
        settings.MAX_UPLOAD_BYTES = 5

    answer = sent(alice, collection)

    assert answer.status_code == 507
    assert "disk of this server is nearly full" in answer.json()["refused"][0]
    assert [row.name for row in Document.objects.all()] == ["before.txt"]
    assert len(list((settings.MEDIA_ROOT / "documents").iterdir())) == 1


def test_a_form_without_a_script_gets_a_page_that_says_so(
    alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Document.objects, "create", full)
    answer = sent(alice, collection, "text/html")
    assert answer.status_code == 507 and "nearly full" in answer.content.decode()


def test_locked_database_is_not_reported_as_a_full_disk(
    alice: User, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(Document.objects, "create", locked)
    with pytest.raises(OperationalError, match="locked"):
        sent(alice, collection)


def test_the_server_is_not_ready_while_nothing_can_be_written(
    client: Client, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_space, "PROBE_S", 0.0)
    with tiny_disk(tmp_path / "tiny", 256) as tiny:
        settings.DATA_DIR = tiny.path
        assert client.get(reverse("operations:ready")).status_code == 200
        (tiny.path / "filler").write_bytes(bytes(240 * 1024))
        answer = client.get(reverse("operations:ready"))
        assert answer.status_code == 503 and "No space left" in answer.content.decode()
        (tiny.path / "filler").unlink()
        assert client.get(reverse("operations:ready")).status_code == 200
        assert tiny.files == []
