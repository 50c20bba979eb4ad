"""Devices on which a user is signed in, and signing out there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.test import Client

from apps.users import sessions
from apps.users.models import User, UserSession
from apps.users.session_store import SessionStore
from tests.factories import make_client
from tests.support.second_factor import enter_password, is_signed_in

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0 Safari/537.36 Edg/139.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1 Version/18.5 Mobile Safari/604.1"


def sign_in(user: User, agent: str = FIREFOX, address: str = "192.0.2.7") -> Client:
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    enter_password(client, user)
    return client


@pytest.mark.parametrize(
    ("agent", "name"), [(FIREFOX, "Firefox on Linux"), (EDGE, "Edge on Windows"), (IPHONE, "Safari on iPhone")]
)
def test_a_device_is_named_by_browser_and_system(alice: User, agent: str, name: str) -> None:
    page = sign_in(alice, agent).get("/security/").content.decode()
    assert name in " ".join(page.split()) and "192.0.2.7" in page


@pytest.mark.parametrize("agent", ["", "curl/8.0", "<script>alert(1)</script>", "Firefox" * 1000])
def test_any_name_of_a_browser_is_taken(alice: User, agent: str) -> None:
    page = sign_in(alice, agent).get("/security/")
    assert page.status_code == 200 and "<script>alert" not in page.content.decode()


def test_signing_out_there_ends_that_session_alone(alice: User) -> None:
    here, there, third = sign_in(alice), sign_in(alice, EDGE), sign_in(alice, IPHONE)
    devices = sessions.list_devices(alice, here.session.session_key)
    assert devices[0].is_this and len(devices) == 3
    edge = next(one for one in devices if one.browser == "Edge")
    here.post(f"/security/devices/{edge.key}/end/")
    assert is_signed_in(here) and not is_signed_in(there) and is_signed_in(third)


def test_signing_out_everywhere_else_leaves_this_device(alice: User, bob: User) -> None:
    here, there, other_user = sign_in(alice), make_client(alice), sign_in(bob)
    here.post("/security/devices/end/")
    assert is_signed_in(here) and not is_signed_in(there) and is_signed_in(other_user)


def test_devices_of_others_are_not_ended(alice: User, bob: User) -> None:
    mine, theirs = sign_in(alice), sign_in(bob)
    key = sessions.list_devices(bob, None)[0].key
    mine.post(f"/security/devices/{key}/end/")
    assert is_signed_in(theirs)


def test_the_page_holds_no_session_key(alice: User) -> None:
    here, there = sign_in(alice), sign_in(alice, EDGE)
    page = here.get("/security/").content.decode()
    assert here.session.session_key not in page and there.session.session_key not in page


def test_a_session_without_a_note_is_an_unknown_device(alice: User) -> None:
    assert "Unknown device" in make_client(alice).get("/security/").content.decode()


def test_signing_out_needs_a_form(alice: User) -> None:
    here, there = sign_in(alice), sign_in(alice, EDGE)
    key = next(one.key for one in sessions.list_devices(alice, here.session.session_key) if not one.is_this)
    assert here.get(f"/security/devices/{key}/end/").status_code == 405
    assert is_signed_in(there)


def test_only_sessions_of_the_user_are_decoded(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(alice)
    for _ in range(3):
        sign_in(bob)
    Client().get("/accounts/login/")
    decoded: list[str] = []
    decode = SessionStore.decode

    def note(store: SessionStore, data: str) -> Any:
        decoded.append(data)
        return decode(store, data)

    monkeypatch.setattr(SessionStore, "decode", note)
    assert len(sessions.list_devices(alice, None)) == len(decoded) == 1


def test_a_session_has_its_user_from_the_sign_in_to_the_sign_out(alice: User) -> None:
    client = sign_in(alice)
    assert UserSession.objects.get(pk=client.session.session_key).user_id == alice.pk
    client.post("/accounts/logout/")
    assert not UserSession.objects.filter(user_id=alice.pk).exists()


def test_an_upgrade_signs_nobody_out(alice: User) -> None:
    client = sign_in(alice)
    row = UserSession.objects.get()
    earlier = DatabaseStore.get_model_class()
    earlier.objects.create(pk=row.pk, session_data=row.session_data, expire_date=row.expire_date)
    row.delete()
    import_module("apps.users.migrations.0029_sessions_with_their_user").move(apps, None)
    assert is_signed_in(client) and UserSession.objects.get().user_id == alice.pk
    assert not earlier.objects.exists()
