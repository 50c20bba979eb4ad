"""Full disk at sign-in: the user gets a message, not a bare server error."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError, connection
from django.test import Client

from apps.users.models import User
from tests.api.conftest import headers
from tests.support.password import PASSWORD


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(SessionStore, "save", refuse)
    monkeypatch.setattr("apps.api.auth.find_token", refuse)


def test_a_sign_in_says_that_the_disk_is_full(alice: User, full: None) -> None:
    client = Client(raise_request_exception=False)
    response = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert response.status_code == 507 and "disk of this server is full" in response.content.decode()


def test_programs_are_told_in_json(alice: User, full: None) -> None:
    response = Client(raise_request_exception=False).get("/api/collections", **headers(alice))
    assert response.status_code == 507 and "disk of this server is full" in response.json()["detail"]


def test_another_error_of_the_database_is_not_taken_for_a_full_disk(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(SessionStore, "save", refuse)
    client = Client(raise_request_exception=False)
    status = 503 if connection.vendor == "postgresql" else 500  # PostgreSQL raises it while it is away
    assert client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}).status_code == status
