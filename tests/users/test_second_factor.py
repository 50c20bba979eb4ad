"""Second factor by an app and recovery codes: set-up, sign-in, limits, removal, and who needs one."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client

from apps.conversations.core.session_user import get_session_user
from apps.lib.db import encrypted_fields
from apps.privacy import data_export
from apps.safety.models import AuditEntry, snapshot_keys
from apps.users import accounts, api_tokens
from apps.users.models import SiteSettings, User, UserNotice
from apps.users.second_factor import factors, requirement
from tests.factories import make_client, make_user
from tests.support.password import PASSWORD
from tests.support.second_factor import (
    CODE,
    SET_UP,
    add_app,
    enter_password,
    is_signed_in,
    list_recovery_codes,
    make_code,
    read_secret,
    require,
)

OVERVIEW, ADD, CODES = "/security/", "/security/add/", "/security/codes/"
REAUTHENTICATE = "/accounts/reauthenticate/"


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada", User.Role.ADMINISTRATOR)


def confirm_password(client: Client) -> None:
    assert client.post(REAUTHENTICATE, {"password": PASSWORD}).status_code == 302


def shown_key(page: Any) -> str:
    """Return the key that the page of the set-up shows as text."""
    found = re.search(r'class="secret"[^>]*>([A-Z2-7 ]+)<', page.content.decode())
    assert found
    return found[1].replace(" ", "")


def kinds(user: User) -> list[str]:
    return list(AuditEntry.objects.filter(user=user.pk).order_by("seq").values_list("kind", flat=True))


def enter_code(client: Client, code: str) -> int:
    """Send the code and return the status: 302 if it was right, else 200."""
    return client.post(CODE, {"code": code}).status_code


# --- set-up -------------------------------------------------------------------------------------------


def test_adding_an_app_asks_for_the_password_first(alice_client: Client) -> None:
    assert alice_client.get(ADD)["Location"].startswith(REAUTHENTICATE)


def test_an_app_is_added_by_its_code_and_recovery_codes_are_shown(alice: User, alice_client: Client) -> None:
    confirm_password(alice_client)
    secret = shown_key(alice_client.get(ADD))
    assert alice_client.post(ADD, {"code": make_code(secret)})["Location"] == CODES
    assert read_secret(alice) == secret
    page = alice_client.get(CODES).content.decode()
    assert all(f"{code[:4]} {code[4:]}" in page for code in list_recovery_codes(alice))
    assert "person.factor_added" in kinds(alice)
    assert "added to your account" in mail.outbox[-1].body and mail.outbox[-1].to == [alice.email]


def test_a_wrong_code_adds_nothing_and_keeps_the_key(alice: User, alice_client: Client) -> None:
    confirm_password(alice_client)
    secret = shown_key(alice_client.get(ADD))
    answer = alice_client.post(ADD, {"code": "000000" if make_code(secret) != "000000" else "111111"})
    assert answer.status_code == 400 and shown_key(answer) == secret
    assert not Authenticator.objects.exists()


def test_the_key_waits_encrypted_in_the_session(alice_client: Client) -> None:
    confirm_password(alice_client)
    secret = shown_key(alice_client.get(ADD))
    assert secret not in str(dict(alice_client.session.items()))


def test_secrets_are_encrypted_in_the_database(alice: User) -> None:
    add_app(alice)
    for row in Authenticator.objects.filter(user=alice):
        stored = row.data.get("secret") or row.data["seed"]
        assert encrypted_fields.is_encrypted(stored)


def test_the_code_of_the_set_up_does_not_sign_in_as_well(alice: User, alice_client: Client, client: Client) -> None:
    confirm_password(alice_client)
    code = make_code(shown_key(alice_client.get(ADD)))
    alice_client.post(ADD, {"code": code})
    enter_password(client, alice)
    assert enter_code(client, code) == 200 and not is_signed_in(client)


def test_recovery_codes_are_shown_only_in_the_session_that_made_them_and_for_ten_minutes(
    alice: User, alice_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_app(alice)
    confirm_password(alice_client)
    before = list_recovery_codes(alice)
    assert alice_client.post("/security/codes/new/")["Location"] == CODES
    after = list_recovery_codes(alice)
    assert set(before).isdisjoint(after)
    download = alice_client.get("/security/codes/download/")
    assert download["Content-Disposition"].startswith("attachment")
    assert after[0][:4] in download.content.decode() and before[0][:4] not in download.content.decode().split()
    assert make_client(alice).get(CODES)["Location"] == OVERVIEW
    now = time.time()
    monkeypatch.setattr("apps.users.second_factor.codes.time.time", lambda: now + 601)
    assert alice_client.get(CODES)["Location"] == OVERVIEW
    assert alice_client.get("/security/codes/download/").status_code == 404


def test_codes_are_not_stored_by_browsers(alice: User, alice_client: Client) -> None:
    add_app(alice)
    confirm_password(alice_client)
    alice_client.post("/security/codes/new/")
    for address in (CODES, "/security/codes/download/", ADD):
        assert "no-store" in alice_client.get(address)["Cache-Control"]


# --- sign-in ------------------------------------------------------------------------------------------


def test_the_password_alone_signs_nobody_in(alice: User, client: Client) -> None:
    add_app(alice)
    assert enter_password(client, alice) == CODE
    assert not is_signed_in(client)
    assert get_session_user(client.cookies[settings.SESSION_COOKIE_NAME].value) is None  # no socket either


def test_the_code_signs_in_once_and_the_session_gets_a_new_key(alice: User, client: Client) -> None:
    secret = add_app(alice)
    enter_password(client, alice)
    planted = client.cookies[settings.SESSION_COOKIE_NAME].value
    code = make_code(secret)
    assert enter_code(client, f" {code[:3]} {code[3:]}") == 302
    assert is_signed_in(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != planted
    assert get_session_user(planted) is None
    other = Client()
    enter_password(other, alice)
    assert enter_code(other, code) == 200 and not is_signed_in(other)


def test_an_earlier_code_is_refused_after_a_later_one(alice: User, client: Client) -> None:
    secret = add_app(alice)
    enter_password(client, alice)
    assert enter_code(client, make_code(secret, 1)) == 302  # a clock that is fast
    other = Client()
    enter_password(other, alice)
    assert enter_code(other, make_code(secret, 0)) == 200


@pytest.mark.parametrize("steps", [-3, 3])
def test_codes_of_other_minutes_are_refused(alice: User, client: Client, steps: int) -> None:
    secret = add_app(alice)
    enter_password(client, alice)
    assert enter_code(client, make_code(secret, steps)) == 200


def test_the_page_that_was_wanted_opens_after_the_code(alice: User, client: Client) -> None:
    secret = add_app(alice)
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD, "next": "/collections/"})
    assert client.post(CODE, {"code": make_code(secret)})["Location"] == "/collections/"


def test_a_recovery_code_signs_in_once_and_is_logged_and_mailed(alice: User, client: Client) -> None:
    add_app(alice)
    code = list_recovery_codes(alice)[3]
    enter_password(client, alice)
    assert enter_code(client, f"{code[:4]} {code[4:]}") == 302 and is_signed_in(client)
    assert kinds(alice)[-1] == "person.recovery_code"
    assert "recovery code was used" in mail.outbox[-1].body
    other = Client()
    enter_password(other, alice)
    assert enter_code(other, code) == 200


def test_codes_of_another_account_are_refused(alice: User, bob: User, client: Client) -> None:
    add_app(alice)
    secret = add_app(bob)
    enter_password(client, alice)
    assert enter_code(client, make_code(secret)) == 200
    assert enter_code(client, list_recovery_codes(bob)[0]) == 200


@pytest.mark.parametrize("code", ["", "abc", "１２３４５６", "0" * 400, "\x00", "-1"])
def test_codes_that_are_no_codes_are_refused(alice: User, client: Client, code: str) -> None:
    add_app(alice)
    enter_password(client, alice)
    assert enter_code(client, code) == 200 and not is_signed_in(client)


def test_wrong_codes_are_limited_for_the_account_on_whatever_device(alice: User) -> None:
    secret = add_app(alice)
    for _ in range(5):
        client = Client()
        enter_password(client, alice)
        assert enter_code(client, "000000") == 200
    client = Client()
    enter_password(client, alice)
    assert "You have reached the limit" in client.post(CODE, {"code": make_code(secret)}).content.decode()
    assert not is_signed_in(client)


def test_guessing_codes_locks_the_user_out_of_no_known_device(alice: User, client: Client) -> None:
    secret = add_app(alice)
    enter_password(client, alice)
    enter_code(client, make_code(secret, -1))
    client.post("/accounts/logout/")
    stranger = Client()
    enter_password(stranger, alice)
    while "You have reached the limit" not in stranger.post(CODE, {"code": "000000"}).content.decode():
        pass
    enter_password(client, alice)
    assert enter_code(client, make_code(secret)) == 302


def test_right_codes_use_nothing_up(alice: User) -> None:
    add_app(alice)
    for code in list_recovery_codes(alice):
        client = Client()
        enter_password(client, alice)
        assert enter_code(client, code) == 302


def test_cancelling_ends_the_sign_in(alice: User, client: Client) -> None:
    secret = add_app(alice)
    enter_password(client, alice)
    client.post("/accounts/logout/")
    assert client.post(CODE, {"code": make_code(secret)})["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


def test_a_sign_in_that_waits_for_the_code_ends_when_the_password_changes(alice: User, client: Client) -> None:
    secret = add_app(alice)
    enter_password(client, alice)
    alice.set_password("another password of alice")
    alice.save()
    assert client.post(CODE, {"code": make_code(secret)})["Location"] == "/accounts/login/"
    assert not is_signed_in(client) and client.get("/accounts/login/").status_code == 200


def test_a_sign_in_that_waits_for_the_code_ends_when_the_account_is_suspended(
    alice: User, ada: User, client: Client
) -> None:
    secret = add_app(alice)
    enter_password(client, alice)
    accounts.suspend_user(alice, ada)
    assert client.post(CODE, {"code": make_code(secret)})["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


def test_a_lost_key_lets_nobody_in_and_makes_no_codes_known(
    alice: User, client: Client, tmp_path: Any, settings: Any
) -> None:
    add_app(alice)
    enter_password(client, alice)
    settings.SNAPSHOT_KEYS = tmp_path / "other_keys"
    (tmp_path / "other_keys").write_text("u4zPzUQ1vJ8q8yI0o1d9cLZk5o2mF7o2h0mT1m4n3xE=\n")
    answer = client.post(CODE, {"code": "123456"})
    assert answer.status_code == 200 and "their key is missing" in answer.content.decode()
    assert not is_signed_in(client)


def test_a_changed_key_encrypts_the_secrets_anew(alice: User) -> None:
    secret = add_app(alice)
    before = list_recovery_codes(alice)
    assert snapshot_keys.has_encrypted_texts()
    snapshot_keys.rotate_key()
    assert snapshot_keys.drop_unused_keys() >= 1
    assert read_secret(alice) == secret and list_recovery_codes(alice) == before


def test_reauthentication_asks_for_the_password_never_for_a_code(alice: User, client: Client) -> None:
    secret = add_app(alice)
    enter_password(client, alice)
    enter_code(client, make_code(secret))
    assert client.get(ADD)["Location"].startswith(REAUTHENTICATE)
    confirm_password(client)
    assert client.get(ADD).status_code == 200


def test_tokens_need_no_second_factor(alice: User, client: Client) -> None:
    add_app(alice)
    require("everybody")
    token = api_tokens.create_token(alice, "script", ["read"], None)
    assert client.get("/api/collections", headers={"Authorization": f"Bearer {token}"}).status_code == 200


# --- removal ------------------------------------------------------------------------------------------


def test_removing_asks_for_the_password_and_removes_the_recovery_codes(alice: User, alice_client: Client) -> None:
    add_app(alice)
    address = f"/security/factors/{factors.list_factors(alice)[0].pk}/remove/"
    assert alice_client.post(address)["Location"].startswith(REAUTHENTICATE)
    assert Authenticator.objects.count() == 2
    confirm_password(alice_client)
    alice_client.post(address)
    assert not Authenticator.objects.exists()
    assert "person.factor_removed" in kinds(alice)


def test_the_last_factor_stays_while_the_role_needs_one(alice: User, alice_client: Client) -> None:
    add_app(alice)
    require("everybody")
    confirm_password(alice_client)
    answer = alice_client.post(f"/security/factors/{factors.list_factors(alice)[0].pk}/remove/", follow=True)
    assert "Add another one before" in answer.content.decode()
    assert Authenticator.objects.count() == 2


def test_factors_of_others_are_removed_by_nobody(alice: User, bob: User, alice_client: Client) -> None:
    add_app(bob)
    confirm_password(alice_client)
    for row in Authenticator.objects.all():
        assert alice_client.post(f"/security/factors/{row.pk}/remove/").status_code == 404
    assert Authenticator.objects.count() == 2


def test_an_administrator_removes_a_lost_factor(alice: User, ada: User, client: Client) -> None:
    secret = add_app(alice)
    enter_password(client, alice)
    enter_code(client, make_code(secret))
    waiting = Client()
    enter_password(waiting, alice)
    administration = make_client(ada)
    address = f"/people/{alice.pk}/second-factor/remove/"
    assert administration.post(address)["Location"].startswith(REAUTHENTICATE)
    confirm_password(administration)
    administration.post(address)
    assert not Authenticator.objects.exists()
    assert not is_signed_in(client)
    assert waiting.get(CODE)["Location"] == "/accounts/login/"  # and no circle of redirects
    assert waiting.get("/accounts/login/").status_code == 200
    entry = AuditEntry.objects.get(kind="person.factors_taken_off")
    assert (entry.actor, entry.user) == (ada.pk, alice.pk)
    assert "An administrator removed" in UserNotice.objects.get(user=alice).title
    assert "An administrator removed" in mail.outbox[-1].body and mail.outbox[-1].to == [alice.email]
    assert enter_password(Client(), alice) == "/"


def test_administrators_do_not_remove_their_own_factor_in_that_way(ada: User) -> None:
    add_app(ada)
    client = make_client(ada)
    confirm_password(client)
    client.post(f"/people/{ada.pk}/second-factor/remove/")
    assert Authenticator.objects.count() == 2
    with pytest.raises(PermissionDenied):
        factors.take_off(ada, ada)


def test_only_administrators_remove_factors_of_others(alice: User, bob: User) -> None:
    add_app(alice)
    with pytest.raises(PermissionDenied):
        factors.take_off(alice, bob)
    assert Authenticator.objects.count() == 2


@pytest.mark.parametrize(("options", "left"), [({}, 2), ({"remove_second_factor": True}, 0)])
def test_the_command_for_the_lone_administrator(ada: User, capsys: Any, options: Any, left: int) -> None:
    add_app(ada)
    call_command("rescue_administrator", ada.email, **options)
    assert Authenticator.objects.count() == left
    assert AuditEntry.objects.filter(kind="person.factors_taken_off", actor=None).count() == int(not left)


# --- who needs one ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "roles"),
    [
        ("nobody", set()),
        ("administrators", {"administrator"}),
        ("staff", {"administrator", "reviewer"}),
        ("everybody", {"administrator", "reviewer", "member"}),
    ],
)
def test_the_rule_names_roles(db: None, rule: str, roles: set[str]) -> None:
    require(rule)
    for role in User.Role.values:
        assert requirement.is_unmet(make_user(role, role)) == (role in roles)


def test_required_factor_is_set_up_at_sign_in_before_the_session_has_a_user(alice: User, client: Client) -> None:
    require("everybody")
    assert enter_password(client, alice) == SET_UP
    assert not is_signed_in(client)
    assert get_session_user(client.cookies[settings.SESSION_COOKIE_NAME].value) is None
    secret = shown_key(client.get(SET_UP))
    answer = client.post(SET_UP, {"code": make_code(secret)})
    assert answer["Location"] == f"{CODES}?next=%2F" and is_signed_in(client)
    page = client.get(answer["Location"]).content.decode()
    assert list_recovery_codes(alice)[0][:4] in page and 'href="/"' in page
    assert enter_password(Client(), alice) == CODE


def test_the_page_of_recovery_codes_leads_to_no_other_site(alice: User) -> None:
    add_app(alice)
    session = make_client(alice)
    confirm_password(session)
    session.post("/security/codes/new/")
    assert 'href="https://evil' not in session.get(f"{CODES}?next=https://evil.example/").content.decode()


def test_a_set_up_that_waits_ends_when_the_password_changes(alice: User, client: Client) -> None:
    require("everybody")
    enter_password(client, alice)
    secret = shown_key(client.get(SET_UP))
    alice.set_password("another password of alice")
    alice.save()
    assert client.post(SET_UP, {"code": make_code(secret)})["Location"] == "/accounts/login/"
    assert not Authenticator.objects.exists() and not is_signed_in(client)


def test_two_sign_ins_that_wait_for_the_set_up_add_one_app(alice: User) -> None:
    require("everybody")
    first, second = Client(), Client()
    for client in (first, second):
        enter_password(client, alice)
        client.get(SET_UP)
    first.post(SET_UP, {"code": make_code(shown_key(first.get(SET_UP)))})
    assert second.get(SET_UP)["Location"] == "/accounts/login/"
    assert not is_signed_in(second) and Authenticator.objects.filter(type="totp").count() == 1


def test_a_new_user_sets_one_up_before_the_first_page(open_signup: None, client: Client) -> None:
    require("everybody")
    answer = client.post(
        "/accounts/signup/", {"email": "kim@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert answer["Location"] == SET_UP and not is_signed_in(client)


def change_rule(client: Client, rule: str) -> Any:
    """Save the page of settings with that rule and everything else as it is."""
    page = client.get("/settings/")
    data = {}
    for form in (page.context["site"], page.context["assistant"], *page.context["models"]):
        data |= {form.add_prefix(name): form.initial.get(name) or "" for name in form.fields}
    return client.post("/settings/", {**data, "site-second_factor": rule}, follow=True)


def test_a_new_rule_ends_the_sessions_of_those_who_have_none(ada: User, alice: User, bob: User) -> None:
    add_app(ada)
    add_app(bob)
    administration, with_factor, without = make_client(ada), make_client(bob), make_client(alice)
    confirm_password(administration)
    change_rule(administration, "everybody")
    assert SiteSettings.current().second_factor == "everybody"
    assert is_signed_in(administration) and is_signed_in(with_factor) and not is_signed_in(without)
    entry = AuditEntry.objects.get(kind="settings.changed")
    assert (entry.payload["name"], entry.payload["after"], entry.actor) == ("second_factor", "everybody", ada.pk)


def test_changing_the_rule_asks_for_the_password(ada: User) -> None:
    add_app(ada)
    client = make_client(ada)
    assert change_rule(client, "staff").redirect_chain[0][0].startswith(REAUTHENTICATE)
    assert SiteSettings.current().second_factor == "nobody"


def test_an_administrator_without_one_cannot_require_it_of_themselves(ada: User) -> None:
    client = make_client(ada)
    confirm_password(client)
    assert "Set up your own second factor first" in change_rule(client, "administrators").content.decode()
    assert SiteSettings.current().second_factor == "nobody"


def test_a_role_that_needs_one_ends_the_sessions_of_its_new_holder(ada: User, alice: User) -> None:
    require("staff")
    client = make_client(alice)
    accounts.set_role(alice, User.Role.REVIEWER, ada)
    assert not is_signed_in(client) and enter_password(client, alice) == SET_UP


# --- data ---------------------------------------------------------------------------------------------


def test_the_copy_of_ones_data_names_factors_without_secrets(alice: User) -> None:
    add_app(alice)
    rows = next(
        [data_export._row(row) for row in model.objects.filter(user=alice)]
        for model, _ in data_export.models_naming_user()
        if model is Authenticator
    )
    assert {row["type"] for row in rows} == {"totp", "recovery_codes"}
    assert not any("data" in row for row in rows)


def test_factors_are_deleted_with_the_account(alice: User) -> None:
    add_app(alice)
    alice.delete()
    assert not Authenticator.objects.exists()


def test_no_log_entry_holds_a_secret(alice: User, client: Client) -> None:
    secret = add_app(alice)
    code = list_recovery_codes(alice)[0]
    enter_password(client, alice)
    enter_code(client, code)
    written = str(list(AuditEntry.objects.values_list("payload", "subject")))
    assert secret not in written and code not in written
