"""Sign-in, sign-out, and the validity of sessions afterwards."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.users.accounts import suspend_user
from apps.users.models import User
from tests.support.password import PASSWORD

LOGIN = "/accounts/login/"


def sign_in(client: Client, email: str, password: str = PASSWORD):
    return client.post(LOGIN, {"login": email, "password": password})


def test_a_person_signs_in_and_out(client: Client, alice: User) -> None:
    assert sign_in(client, "alice@example.org")["Location"] == "/"
    assert client.get("/collections/").status_code == 200
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/collections/")["Location"].startswith(LOGIN)


def test_case_of_the_address_does_not_matter(client: Client, alice: User) -> None:
    assert sign_in(client, "Alice@Example.ORG").status_code == 302


def test_signing_out_by_a_link_only_asks(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert "Sign out?" in client.get("/accounts/logout/").content.decode()
    assert client.get("/collections/").status_code == 200


def test_sign_in_opens_the_page_that_was_wanted(client: Client, alice: User) -> None:
    response = client.post(f"{LOGIN}?next=/collections/", {"login": alice.email, "password": PASSWORD})
    assert response["Location"] == "/collections/"


def test_sign_in_never_redirects_to_another_site(client: Client, alice: User) -> None:
    for target in ("https://evil.example/", "//evil.example/", "\\\\evil.example", "javascript:alert(1)"):
        client.logout()
        response = client.post(LOGIN, {"login": alice.email, "password": PASSWORD, "next": target})
        assert response["Location"] == "/", target


def test_the_session_key_changes_at_sign_in(client: Client, alice: User) -> None:
    client.get(LOGIN)
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["session"] = session.session_key
    sign_in(client, alice.email)
    assert client.cookies["session"].value != session.session_key


def test_a_session_from_before_signing_out_is_dead(client: Client, alice: User) -> None:
    sign_in(client, alice.email)
    key = client.cookies["session"].value
    client.post("/accounts/logout/")
    client.cookies["session"] = key
    assert client.get("/collections/").status_code == 302


def test_known_and_unknown_addresses_get_the_same_answer(client: Client, alice: User) -> None:
    known, unknown = (
        sign_in(client, alice.email, "wrong password"),
        sign_in(client, "nobody@example.org", "wrong password"),
    )
    assert known.status_code == unknown.status_code == 200
    assert strip(known.content, alice.email) == strip(unknown.content, "nobody@example.org")


def strip(content: bytes, email: str) -> str:
    import re

    text = content.decode().replace(email, "")
    return re.sub(r'(name="csrfmiddlewaretoken" value="|"x-csrftoken": ")[^"]*', "", text)


def test_repeated_wrong_passwords_are_slowed_down(client: Client, alice: User) -> None:
    for _ in range(5):
        sign_in(client, alice.email, "wrong password")
    assert "Too many attempts" in sign_in(client, alice.email).content.decode()


def test_a_forwarded_address_does_not_reset_the_limit(client: Client, alice: User) -> None:
    for number in range(5):
        data = {"login": alice.email, "password": "wrong password"}
        client.post(LOGIN, data, headers={"x-forwarded-for": f"10.0.0.{number}"})
    assert "Too many attempts" in sign_in(client, alice.email).content.decode()


def test_a_suspended_person_is_out_at_once_and_stays_out(client: Client, alice: User, ada: User) -> None:
    sign_in(client, alice.email)
    suspend_user(alice)
    assert client.get("/collections/").status_code == 302
    assert "suspended" in client.get(sign_in(client, alice.email)["Location"]).content.decode()
    assert client.get("/collections/").status_code == 302


def test_a_wrong_password_does_not_tell_that_an_account_is_suspended(client: Client, alice: User, ada: User) -> None:
    suspend_user(alice)
    response = sign_in(client, alice.email, "wrong password")
    assert response.status_code == 200
    assert "suspended" not in response.content.decode()


def test_sessions_do_not_come_back_with_the_person(client: Client, alice: User, ada: User) -> None:
    sign_in(client, alice.email)
    suspend_user(alice)
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert client.get("/collections/").status_code == 302


def test_pages_of_signed_in_people_are_never_cached(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/collections/")["Cache-Control"] == "no-store"


def test_a_fragment_never_becomes_a_sign_in_page(client: Client, db: None) -> None:
    response = client.get("/collections/", headers={"hx-request": "true"})
    assert response.status_code == 401
    assert response["HX-Refresh"] == "true"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example"])
def test_a_foreign_host_name_is_refused(client: Client, db: None, host: str) -> None:
    assert client.get(LOGIN, headers={"host": host}).status_code == 400


def test_an_address_that_leads_nowhere_says_so_in_the_frame(client: Client, alice: User) -> None:
    client.force_login(alice)
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


def test_a_form_without_its_token_says_what_to_do(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(LOGIN, {"login": alice.email, "password": PASSWORD})
    assert response.status_code == 403
    assert "Send it again" in response.content.decode()
