"""Changing and resetting the password."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client, override_settings

from apps.users.models import User
from tests.support.password import PASSWORD

NEW = "another long passphrase"
RESET = "/accounts/password/reset/"
CHANGE = "/accounts/password/change/"


def ask(client: Client, email: str, **headers: str) -> str:
    client.post(RESET, {"email": email}, headers=headers)
    return re.search(r"https?://\S+", mail.outbox[-1].body).group()  # type: ignore[union-attr]


def path(link: str) -> str:
    return link.removeprefix("http://localhost:8000")


def test_a_password_is_reset_by_a_link_in_a_mail(client: Client, alice: User) -> None:
    form = client.get(path(ask(client, alice.email)), follow=True)
    assert "Choose a new password" in form.content.decode()
    done = client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW}, follow=True)
    assert "Password changed" in done.content.decode()
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_a_reset_ends_the_sessions_of_the_person(client: Client, alice: User) -> None:
    other = Client()
    other.force_login(alice)
    form = client.get(path(ask(client, alice.email)), follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert other.get("/collections/").status_code == 302


def test_a_link_works_once(client: Client, alice: User) -> None:
    link = path(ask(client, alice.email))
    form = client.get(link, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert "no longer works" in Client().get(link, follow=True).content.decode()


def test_a_link_dies_when_the_person_signs_in(client: Client, alice: User) -> None:
    link = path(ask(client, alice.email))
    Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert "no longer works" in client.get(link, follow=True).content.decode()


def test_a_link_dies_when_the_address_changes(client: Client, alice: User) -> None:
    link = path(ask(client, alice.email))
    User.objects.filter(pk=alice.pk).update(email="new@example.org")
    assert "no longer works" in client.get(link, follow=True).content.decode()


def test_a_token_of_one_person_does_not_open_another(client: Client, alice: User, bob: User) -> None:
    token = path(ask(client, alice.email)).rstrip("/").split("/")[-1].partition("-")[2]
    from allauth.account.utils import user_pk_to_url_str

    response = client.get(f"/accounts/password/reset/key/{user_pk_to_url_str(bob)}-{token}/", follow=True)
    assert "no longer works" in response.content.decode()


@pytest.mark.parametrize("token", ["1-null", "1-", "zz-[]", "1-set-password", "0-0"])
def test_a_made_up_token_opens_nothing(client: Client, alice: User, token: str) -> None:
    response = client.get(f"/accounts/password/reset/key/{token}/", follow=True)
    assert response.status_code in {200, 404}
    assert "Choose a new password" not in response.content.decode()


@override_settings(SITE_URL="https://books.example.org", ALLOWED_HOSTS=["books.example.org", "other.example.org"])
def test_the_host_of_a_link_is_configured_and_not_asked_for(client: Client, alice: User) -> None:
    link = ask(client, alice.email, host="other.example.org")
    assert link.startswith("https://books.example.org/accounts/password/reset/key/")
    assert "other.example.org" not in mail.outbox[-1].body


def test_known_and_unknown_addresses_get_the_same_answer_and_a_mail_each(client: Client, alice: User) -> None:
    known = client.post(RESET, {"email": alice.email}, follow=True)
    unknown = client.post(RESET, {"email": "nobody@example.org"}, follow=True)
    assert known.redirect_chain == unknown.redirect_chain
    assert [message.to for message in mail.outbox] == [[alice.email], ["nobody@example.org"]]
    assert "no account uses this address" in mail.outbox[1].body


def test_resets_of_one_address_are_limited(client: Client, alice: User) -> None:
    for _ in range(5):
        client.post(RESET, {"email": alice.email})
    response = client.post(RESET, {"email": alice.email})
    assert response.status_code == 429
    assert "Wait a minute" in response.content.decode()


def test_a_person_changes_the_password_and_stays_signed_in_here_only(client: Client, alice: User) -> None:
    here, there = client, Client()
    here.force_login(alice)
    there.force_login(alice)
    data = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert here.post(CHANGE, data).status_code == 302
    assert here.get("/collections/").status_code == 200
    assert there.get("/collections/").status_code == 302
    assert mail.outbox[-1].subject == "[Openbook] Your password was changed"


def test_the_current_password_is_needed(client: Client, alice: User) -> None:
    client.force_login(alice)
    response = client.post(CHANGE, {"oldpassword": "wrong", "password1": NEW, "password2": NEW})
    assert "Your current password is different" in response.content.decode()


@pytest.mark.parametrize("weak", ["short", "password123", "1234567890", "alice@example.org"])
def test_a_weak_password_is_refused(client: Client, alice: User, weak: str) -> None:
    client.force_login(alice)
    response = client.post(CHANGE, {"oldpassword": PASSWORD, "password1": weak, "password2": weak})
    assert response.status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
