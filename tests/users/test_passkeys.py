"""Passkeys: adding one, signing in with it as a second factor and alone, and answers that are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.test import Client

from apps.users.accounts import suspend_user
from apps.users.models import User
from apps.users.second_factor import passkeys
from tests.factories import make_client, make_user
from tests.support.password import PASSWORD
from tests.support.second_factor import CODE, SET_UP, add_app, enter_password, is_signed_in, require
from tests.support.soft_passkey import SoftPasskey

SITE, ADD, ALONE = "https://books.example.org", "/security/add/", "/accounts/passkey/"


@pytest.fixture(autouse=True)
def site(settings: LazySettings) -> None:
    settings.SITE_URL = SITE


@pytest.fixture
def passkey(alice: User) -> SoftPasskey:
    """Return a passkey that Alice has added."""
    found = SoftPasskey(SITE)
    assert add(make_client(alice), found).status_code == 302
    return found


def add(client: Client, passkey: SoftPasskey, name: str = "Laptop", **changes: Any) -> Any:
    """Enter the password again and add the passkey."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    options = json.loads(json.dumps(client.get(ADD).context["options"]))
    for part, value in changes.items():
        options["publicKey"][part] = value
    return client.post(ADD, {"name": name, "credential": passkey.create(options)})


def options_of(client: Client) -> Any:
    """Return the options of the page that asks for the second factor."""
    return json.loads(json.dumps(client.get(CODE).context["js_data"]["request_options"]))


def options_alone(client: Client) -> Any:
    return client.get(ALONE, headers={"Accept": "application/json"}).json()["request_options"]


def test_a_passkey_is_added_with_its_name_and_recovery_codes(alice: User, alice_client: Client) -> None:
    assert add(alice_client, SoftPasskey(SITE))["Location"] == "/security/codes/"
    row = Authenticator.objects.get(user=alice, type="webauthn")
    assert row.wrap().name == "Laptop"
    assert "Passkey “Laptop”" in alice_client.get("/security/").content.decode()
    assert Authenticator.objects.filter(type="recovery_codes").count() == 1


def test_a_passkey_signs_in_after_the_password(alice: User, client: Client, passkey: SoftPasskey) -> None:
    assert enter_password(client, alice) == CODE and not is_signed_in(client)
    assert client.post(CODE, {"credential": passkey.get(options_of(client))}).status_code == 302
    assert is_signed_in(client)


def test_a_passkey_signs_in_alone_if_the_device_has_checked_the_user(client: Client, passkey: SoftPasskey) -> None:
    answer = client.post(ALONE, {"credential": passkey.get(options_alone(client)), "next": "/collections/"})
    assert answer["Location"] == "/collections/" and is_signed_in(client)
    other = Client()
    passkey.verifies = False  # as whoever found the key
    other.post(ALONE, {"credential": passkey.get(options_alone(other))})
    assert not is_signed_in(other)


def challenge_of(client: Client) -> Any:
    """Return options with the challenge that the session holds, of whatever page."""
    state = client.session["mfa.webauthn.state"]
    return {"publicKey": {"rpId": "books.example.org", "challenge": state["challenge"]}}


def test_a_found_passkey_signs_nobody_in_with_the_challenge_of_another_page(
    bob: User, client: Client, passkey: SoftPasskey
) -> None:
    own = SoftPasskey(SITE)
    add(make_client(bob), own)  # whoever found Alice's key has an account, too
    enter_password(client, bob)
    client.get(CODE)  # its challenge asks for no check of the user
    passkey.verifies = False
    client.post(ALONE, {"credential": passkey.get(challenge_of(client))})
    assert not is_signed_in(client)
    add_page = make_client(bob)
    add_page.post("/accounts/reauthenticate/", {"password": PASSWORD})
    add_page.get(ADD)
    add_page.post("/accounts/reauthenticate/passkey/", {"credential": passkey.get(challenge_of(add_page))})
    assert add_page.get("/accounts/email/").context["user"] == bob


def test_a_passkey_added_without_a_check_of_the_user_is_a_second_factor_only(alice: User, client: Client) -> None:
    passkey = SoftPasskey(SITE, verifies=False)
    session = make_client(alice)
    add(session, passkey)
    assert "after the password only" in session.get("/security/").content.decode()
    passkey.verifies = True  # whoever found the key has set a PIN
    client.post(ALONE, {"credential": passkey.get(options_alone(client))})
    assert not is_signed_in(client)
    passkey.verifies = False
    enter_password(client, alice)
    client.post(CODE, {"credential": passkey.get(options_of(client))})
    assert is_signed_in(client)


def test_a_passkey_stands_in_for_the_password_that_pages_ask_for_again(alice: User, passkey: SoftPasskey) -> None:
    session = make_client(alice)
    asked = session.post("/security/codes/new/")["Location"]
    page = session.get(asked)
    assert "Use your passkey" in page.content.decode()
    address = page.context["reauthentication_alternatives"][0]["url"]
    passkey.verifies = False
    options = session.get(address).json()["request_options"]
    assert options["publicKey"]["userVerification"] == "required"
    refused = session.post(address, {"credential": passkey.get(options), "next": "/security/codes/new/"})
    assert refused["Location"] == "/accounts/reauthenticate/?next=%2Fsecurity%2Fcodes%2Fnew%2F"
    passkey.verifies = True
    options = session.get(address).json()["request_options"]
    done = session.post(address, {"credential": passkey.get(options), "next": "/security/codes/new/"})
    assert done["Location"] == "/security/codes/" and session.get("/security/codes/").status_code == 200


def test_a_passkey_of_another_user_does_not_stand_in_for_the_password(
    alice: User, bob: User, passkey: SoftPasskey
) -> None:
    session, address = make_client(bob), "/accounts/reauthenticate/passkey/"
    assert session.get(address)["Location"] == "/accounts/reauthenticate/"  # Bob has none
    add(session, SoftPasskey(SITE))
    session = make_client(bob)
    session.get(address)
    session.post(address, {"credential": passkey.get(challenge_of(session))})
    assert session.get(ADD)["Location"].startswith("/accounts/reauthenticate/")


def test_the_owner_renames_a_passkey(alice: User, bob: User, passkey: SoftPasskey) -> None:
    row = Authenticator.objects.get(user=alice, type="webauthn")
    address = f"/security/factors/{row.pk}/rename/"
    session, other = make_client(alice), make_client(bob)
    assert session.post(address, {"name": "Key ring"})["Location"].startswith("/accounts/reauthenticate/")
    for client in (session, other):
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert other.post(address, {"name": "Mine"}).status_code == 404
    assert session.post(address, {"name": ""}).status_code == 400
    assert session.post(address, {"name": "Key ring"})["Location"] == "/security/"
    assert "Passkey “Key ring”" in session.get("/security/").content.decode()


def test_an_answer_counts_once(alice: User, client: Client, passkey: SoftPasskey) -> None:
    answer = passkey.get(options_alone(client))
    client.post(ALONE, {"credential": answer})
    client.post("/accounts/logout/")
    client.post(ALONE, {"credential": answer})
    assert not is_signed_in(client)
    other = Client()
    options_alone(other)
    other.post(ALONE, {"credential": answer})
    assert not is_signed_in(other)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://evil.books.example.org",
        "http://books.example.org",
        "https://books.example.org:444",
    ],
)
def test_pages_of_other_origins_get_nobody_in(alice: User, client: Client, passkey: SoftPasskey, origin: str) -> None:
    passkey.origin = origin
    client.post(ALONE, {"credential": passkey.get(options_alone(client))})
    assert not is_signed_in(client)
    enter_password(client, alice)
    assert client.post(CODE, {"credential": passkey.get(options_of(client))}).status_code == 200
    assert add(make_client(alice), SoftPasskey(origin)).status_code == 400


def test_the_port_of_https_is_not_part_of_the_origin(alice: User, settings: LazySettings, client: Client) -> None:
    settings.SITE_URL = "https://Books.example.org:443"
    assert add(make_client(alice), SoftPasskey(SITE)).status_code == 302


def test_the_host_of_a_request_does_not_change_the_site_of_a_passkey(
    alice: User, settings: LazySettings, client: Client, passkey: SoftPasskey
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    options = client.get(ALONE, headers={"Accept": "application/json", "Host": "evil.example"}).json()
    assert options["request_options"]["publicKey"]["rpId"] == "books.example.org"


def test_a_passkey_of_another_user_is_refused(alice: User, bob: User, client: Client, passkey: SoftPasskey) -> None:
    add_app(bob)
    enter_password(client, bob)
    client.get(CODE)
    options = {
        "publicKey": {"rpId": "books.example.org", "challenge": client.session["mfa.webauthn.state"]["challenge"]}
    }
    assert client.post(CODE, {"credential": passkey.get(options)}).status_code == 200
    assert not is_signed_in(client)
    passkey.owner = SoftPasskey(SITE, owner="Mg").owner  # names another account
    other = Client()
    other.post(ALONE, {"credential": passkey.get(options_alone(other))})
    assert not is_signed_in(other)


def test_a_forged_signature_is_refused(client: Client, passkey: SoftPasskey) -> None:
    forged = SoftPasskey(SITE, pk=passkey.pk, owner=passkey.owner)
    client.post(ALONE, {"credential": forged.get(options_alone(client))})
    assert not is_signed_in(client)


@pytest.mark.parametrize("credential", ["", "null", "[]", "7", "{}", '{"response": {}}', "no json", '{"id": "x"}'])
def test_answers_that_are_none_are_refused(alice: User, client: Client, passkey: SoftPasskey, credential: str) -> None:
    options_alone(client)
    assert client.post(ALONE, {"credential": credential})["Location"] == "/accounts/login/"
    enter_password(client, alice)
    client.get(CODE)
    assert client.post(CODE, {"credential": credential}).status_code == 200
    assert not is_signed_in(client)
    session = make_client(alice)
    session.post("/accounts/reauthenticate/", {"password": PASSWORD})
    session.get(ADD)
    assert session.post(ADD, {"name": "x", "credential": credential}).status_code == 400
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_a_suspended_user_gets_no_session_by_a_passkey(alice: User, client: Client, passkey: SoftPasskey) -> None:
    suspend_user(alice, make_user("ada", User.Role.ADMINISTRATOR))
    assert client.post(ALONE, {"credential": passkey.get(options_alone(client))})["Location"] == "/suspended/"
    assert not is_signed_in(client)


def test_a_removed_passkey_signs_nobody_in(alice: User, client: Client, passkey: SoftPasskey) -> None:
    Authenticator.objects.filter(user=alice).delete()
    client.post(ALONE, {"credential": passkey.get(options_alone(client))})
    assert not is_signed_in(client)


def test_a_passkey_is_set_up_at_sign_in_where_the_role_needs_one(alice: User, client: Client) -> None:
    require("everybody")
    assert enter_password(client, alice) == SET_UP
    options = json.loads(json.dumps(client.get(SET_UP).context["options"]))
    answer = client.post(SET_UP, {"name": "", "credential": SoftPasskey(SITE).create(options)})
    assert answer["Location"].startswith("/security/codes/") and is_signed_in(client)


def test_the_sign_in_page_offers_passkeys_once_there_is_one(client: Client, alice: User) -> None:
    assert "Sign in with a passkey" not in client.get("/accounts/login/").content.decode()
    add(make_client(alice), SoftPasskey(SITE))
    assert "Sign in with a passkey" in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    ("address", "possible"),
    [
        ("https://books.example.org", True),
        ("http://localhost:8000", True),
        ("http://books.example.org", False),
        ("https://192.0.2.1", False),
        ("https://[2001:db8::1]", False),
        ("http://127.0.0.1:8000", False),
    ],
)
def test_passkeys_are_offered_only_where_browsers_allow_them(
    settings: LazySettings, alice_client: Client, address: str, possible: bool
) -> None:
    settings.SITE_URL = address
    assert passkeys.are_possible() == possible
    alice_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert ("options" in alice_client.get(ADD).context) == possible
