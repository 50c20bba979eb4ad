"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection, transaction
from django.db.models.signals import post_migrate
from django.test import Client
from django.utils import translation

from apps.conversations.assistants import answer_style
from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.operations import first_administrator
from apps.safety.models import detector_outages
from apps.safety.policy import versions
from apps.safety.verdict_log import detector_versions, recorder
from apps.users import rate_limits, usage_limits
from apps.users.models import User
from assistant.boot.translations import compile_all
from tests.access.owned_objects import OwnedObjects, build
from tests.factories import make_client, make_user
from tests.support import persistent_connections, prepared_site, table_flush
from tests.support.password import PASSWORD

# A busy one takes its time, for an example as for making it up, and that is no defect.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # argon2 takes 0.1 s a person, rightly
if _template := os.environ.get("TEST_TEMPLATE"):  # a database of the server that has the tables
    settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = _template
if "init_command" in settings.DATABASES["default"].get("OPTIONS", {}):  # SQLite: what is thrown away need not last
    _begin = settings.DATABASES["default"]["OPTIONS"]
    _begin["init_command"] = _begin["init_command"].replace("synchronous=FULL", "synchronous=OFF")
settings.POLICY_S = float("inf")  # the gate judges by the product's own policy, and asks no database for another
settings.SITE_TEXTS_S = float("inf")  # likewise
settings.MODEL_SERVERS_S = float("inf")  # a test that adds models has them read at once
settings.VERDICT_DAYS = 0  # nor does it write down there what it judged, but where a test is about that ...
recorder.WAIT_S = 3600.0  # ... and then when the test has it written, not beside it where that takes seconds
answer_style.PROFILE_AGE_S = 0.0  # a profile that a test changed holds at once

SHARED = Path(settings.BASE_DIR).parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-database", action="store_true", help="run only the tests that use the database")
    parser.addoption("--long", action="store_true", help="races and kills as often and as long as the threats ask for")


def pytest_configure(config: pytest.Config) -> None:
    compile_all()  # for this process, and for the servers that tests start


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        items[:] = [item for item in items if item.get_closest_marker("long") is None]
    if config.getoption("--only-database"):
        items[:] = [item for item in items if uses_database(item)]


def uses_database(item: pytest.Item) -> bool:
    names = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or not {"db", "transactional_db"}.isdisjoint(names)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool, django_db_modify_db_settings: None) -> bool:
    """Copy the migrated database, with SQLite: Django then finds that nothing is left to migrate."""
    if connection.vendor != "sqlite":
        return django_db_keepdb
    prepared_site.copy_database(Path(connection.settings_dict["TEST"]["NAME"]))
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Rows for every model and permission are asked for by nobody. A server drops no database that somebody is still
    connected to: threads outlive the tests that used them."""
    table_flush.install()
    persistent_connections.install()
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608


@pytest.fixture(autouse=True)
def _fresh_engines() -> Iterator[None]:
    _forget()
    yield
    _forget()


def _forget() -> None:
    registry.reset()
    versions.clear_cache()
    rate_limits.clear_rate_cache()
    usage_limits.clear_limit_cache()
    recorder.clear_pending()
    detector_versions.clear_cache()
    detector_outages._noted.clear()  # what another test's check failed at
    recorder.current_surface.set(None)  # a request that a test made without a server leaves it in the test's context


@pytest.fixture(autouse=True)
def _in_the_language_of_the_site() -> None:
    """A page that a test asked for in another language leaves that behind in its thread."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _set_up_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages answer as they do when there is an administrator; the tests of set-up say otherwise."""
    monkeypatch.setattr(first_administrator.seen, "administrator", True)


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("../shared is not here: its data sets are needed by this test")
    return SHARED


@pytest.fixture(scope="session")
def long(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--long"))


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice")


@pytest.fixture
def alice_client(alice: User) -> Client:
    """Return a browser in which Alice is signed in."""
    return make_client(alice)


@pytest.fixture
def bob(db: None) -> User:
    return make_user("bob")


@pytest.fixture
def charlie(db: None) -> User:
    return make_user("charlie")


@pytest.fixture
def morgan(db: None) -> User:
    return make_user("morgan", User.Role.REVIEWER)


@pytest.fixture
def robin(db: None) -> User:
    return make_user("robin", User.Role.REVIEWER)


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada", User.Role.ADMINISTRATOR)


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    """Return a client signed in as Ada."""
    client.force_login(ada)
    return client


@pytest.fixture
def admin(as_ada: Client) -> Client:
    """Return a client signed in as Ada, who has just re-entered her password."""
    as_ada.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return as_ada


@pytest.fixture
def chat() -> FakeChat:
    """Return the fake model of the process."""
    engine = registry.get_chat_engine()
    assert isinstance(engine, FakeChat)
    return engine


@pytest.fixture(scope="module")
def built_house(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[OwnedObjects, Any]]:
    """Built once a module, with the index of its paper: each test has a transaction of its own inside this one."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build(), registry.get_index()
        transaction.set_rollback(True)


@pytest.fixture
def house(built_house: tuple[OwnedObjects, Any], db: None) -> OwnedObjects:
    """Return the rows of Alice's that other users must not reach, in a transaction of the test."""
    found, registry._built["index"] = built_house
    return found
