"""Responses while the database server is away, before set-up is finished, and when documents cannot be stored."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings
from django.urls import reverse

from apps.lib import disk_space
from apps.operations import first_administrator, migration_check
from assistant.http_handler import HttpHandler
from tests.support.tiny_disk import tiny_disk

pytestmark = pytest.mark.django_db
PATHS = [("/", "text/html"), ("/api/collections", "application/json"), ("/v1/models", "application/json")]


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("error", [OperationalError("connection refused"), InterfaceError("connection already closed")])
@pytest.mark.parametrize(("path", "kind"), PATHS)
def test_database_server_that_is_away_answers_503(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str, kind: str, error: Exception
) -> None:
    def refuse() -> bool:
        raise error

    monkeypatch.setattr(first_administrator, "has_administrator", refuse)
    monkeypatch.setattr(connection, "vendor", "postgresql")
    response = client.get(path)
    assert response.status_code == 503 and response["Retry-After"]
    assert response["Content-Type"].startswith(kind)
    assert "database" in response.content.decode()


@pytest.mark.parametrize(("path", "kind"), PATHS[1:])
def test_program_gets_json_and_no_redirect_before_set_up(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    monkeypatch.setattr(first_administrator, "has_administrator", lambda: False)
    response = client.get(path)
    assert (response.status_code, response["Content-Type"]) == (503, kind)
    assert client.get("/").status_code == 302


def test_file_in_the_place_of_the_documents_folder_makes_the_server_unready(
    client: Client, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_space, "PROBE_S", 0.0)
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    assert client.get(reverse("operations:ready")).status_code == 200
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "documents").touch()
    response = client.get(reverse("operations:ready"))
    assert response.status_code == 503 and "folder of documents" in response.content.decode()


@pytest.mark.parametrize("path", ["/api/collections/x/documents", "/documents/upload/"])
async def test_body_that_does_not_fit_on_the_disk_answers_507(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    with tiny_disk(tmp_path / "tiny", 256) as tiny, override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=1024):
        monkeypatch.setattr(tempfile, "tempdir", str(tiny.path))
        scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
        app = ApplicationCommunicator(HttpHandler(), scope)
        for more in (True, True, False):
            await app.send_input({"type": "http.request", "body": bytes(200 * 1024), "more_body": more})
        start, body = await app.receive_output(60), await app.receive_output(60)
        await app.wait(60)
    assert start["status"] == 507
    assert (b'"detail"' in body["body"]) is path.startswith("/api/")


def test_server_without_its_queue_is_not_ready(client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_space, "PROBE_S", 0.0)
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"  # nothing listens there
    response = client.get(reverse("operations:ready"))
    assert response.status_code == 503 and "Redis" in response.content.decode()


def test_server_whose_database_lacks_a_migration_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_space, "PROBE_S", 0.0)
    monkeypatch.setattr(migration_check, "_is_migrated", False)
    (app, name) = MigrationLoader(connection).graph.leaf_nodes("conversations")[0]
    row = MigrationRecorder.Migration.objects.get(app=app, name=name)
    row.delete()
    response = client.get(reverse("operations:ready"))
    assert response.status_code == 503 and "migrated" in response.content.decode()
    row.save(force_insert=True)
    assert client.get(reverse("operations:ready")).status_code == 200
