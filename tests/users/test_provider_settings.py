"""Provider of sign-ins in force: the row of the page without OIDC_ISSUER, read again after a change elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.sessions.backends.base import SessionBase
from django.db import DatabaseError
from django.test import Client, RequestFactory
from pytest_django import Settings

from apps.users.models import SignInProvider, User
from apps.users.sessions import PROVIDER_KEY
from apps.users.single_sign_on import provider_settings, sign_out
from apps.users.single_sign_on.provider_settings import load_provider

pytestmark = pytest.mark.django_db
ISSUER = "https://login.example.org"


@pytest.fixture(autouse=True)
def _rows_are_read(settings: Settings) -> Iterator[None]:
    settings.SITE_TEXTS_S = 0.0
    provider_settings.reset_copy()
    yield
    provider_settings.reset_copy()


def store(**fields: Any) -> SignInProvider:
    given = {"issuer": ISSUER, "client_id": "openbook", "client_secret": "Zephyrine-42", "name": "Acme", **fields}
    return SignInProvider.objects.create(pk=1, **given)


def test_row_of_the_page_sets_the_provider_and_its_button(client: Client) -> None:
    assert load_provider().issuer == "" and "Sign in with" not in client.get("/accounts/login/").content.decode()
    store(scopes=["groups"], allowed_groups=["staff"], link="verified", session_hours=3)
    found = load_provider()
    assert (found.issuer, found.client_secret, found.scopes, found.link) == (
        ISSUER, "Zephyrine-42", ("groups",), "verified",
    )  # fmt: skip
    assert found.of_page and found.allowed_groups == {"staff"} and found.session_hours == 3
    assert "Sign in with Acme" in client.get("/accounts/login/").content.decode()
    assert "Zephyrine-42" not in repr(found)


def test_change_of_another_process_is_seen_once_the_copy_is_old(settings: Settings) -> None:
    settings.SITE_TEXTS_S = 60.0
    assert load_provider().issuer == ""
    store()
    assert load_provider().issuer == "", "the copy is fresh"
    settings.SITE_TEXTS_S = 0.0
    assert load_provider().issuer == ISSUER
    SignInProvider.objects.all().delete()
    assert load_provider().issuer == ""


def test_environment_wins(settings: Settings) -> None:
    store(link="verified")
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = "https://sso.corp.example", "site"
    found = load_provider()
    assert (found.issuer, found.client_id, found.link, found.of_page) == (
        "https://sso.corp.example", "site", "confirm", False,
    )  # fmt: skip


def test_provider_stays_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    store()
    assert load_provider().issuer == ISSUER

    def fail(**query: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(provider_settings.SignInProvider.objects, "filter", fail)
    assert load_provider().issuer == ISSUER


def test_secret_whose_key_is_lost_is_not_sent(settings: Settings, tmp_path: Path) -> None:
    store()
    settings.SNAPSHOT_KEYS = tmp_path / "other-keys"
    settings.SNAPSHOT_KEYS.write_text(Fernet.generate_key().decode())
    assert load_provider().client_secret == ""


def test_another_provider_gets_no_token_of_the_former_one(
    rf: RequestFactory, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store()
    monkeypatch.setattr(sign_out, "load_configuration", lambda provider: {"end_session_endpoint": f"{ISSUER}/end"})
    request = rf.get("/")
    request.user, request.session = alice, SessionBase()  # type: ignore[assignment]
    request.session[PROVIDER_KEY] = {"issuer": ISSUER, "sub": "kim-1", "sid": None, "id_token": "token"}
    assert sign_out.build_sign_out_address(request).startswith(f"{ISSUER}/end?")
    request.session[PROVIDER_KEY]["issuer"] = "https://former.example"
    assert sign_out.build_sign_out_address(request) == ""
