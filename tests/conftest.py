"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from apps.engines import registry
from apps.operations import administrator
from apps.users.models import User
from tests.people import person

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # argon2 takes 0.1 s a person, rightly
# Threads of the pools let their connections go; a server would not drop the test database under them.
settings.DATABASES["default"]["CONN_MAX_AGE"] = 0

SHARED = Path(settings.BASE_DIR).parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-database", action="store_true", help="run only the tests that use the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--only-database"):
        items[:] = [item for item in items if _uses_database(item)]


def _uses_database(item: pytest.Item) -> bool:
    names = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or not {"db", "transactional_db"}.isdisjoint(names)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A server drops no database that somebody is still connected to: threads outlive the tests that used them."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608


@pytest.fixture(autouse=True)
def _fresh_engines() -> Iterator[None]:
    registry.reset()
    yield
    registry.reset()


@pytest.fixture(autouse=True)
def _set_up_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages answer as they do when there is an administrator; the tests of set-up say otherwise."""
    monkeypatch.setattr(administrator.seen, "administrator", True)


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("../shared is not here: its data sets are needed by this test")
    return SHARED


@pytest.fixture
def alice(db: None) -> User:
    return person("alice")


@pytest.fixture
def bob(db: None) -> User:
    return person("bob")


@pytest.fixture
def charlie(db: None) -> User:
    return person("charlie")


@pytest.fixture
def morgan(db: None) -> User:
    return person("morgan", User.Role.REVIEWER)


@pytest.fixture
def ada(db: None) -> User:
    return person("ada", User.Role.ADMINISTRATOR)
