"""Access to the administration, its content security policy, and what it never shows."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.documents.models import Collection
from apps.users.models import ApiToken, User
from tests.factories import make_collection, make_document
from tests.support.password import PASSWORD

GONE = 404
ONCE_MORE = "/accounts/reauthenticate/?next="
PAGES = ("collections/", "environment/", "models/")
SECRET = "The heron of Westness nests in April."


@pytest.fixture
def pages(alice: User) -> list[str]:
    """Return the URLs of the administration's own pages, with a collection to list."""
    shelf = make_collection(alice)
    make_document(shelf, "Herons", [SECRET])
    Group.objects.create(name="Team")
    return [f"/administration/{part}" for part in PAGES]


def answers(client: Client, pages: list[str]) -> dict[str, tuple[int, str]]:
    found = {}
    for page in pages:
        for said in (client.get(page), client.post(page, {"name": "Taken", "role": "administrator"})):
            found[f"{said.request['REQUEST_METHOD']} {page}"] = (said.status_code, said.get("Location", ""))
    return found


def test_anonymous_people_are_asked_to_sign_in(pages: list[str]) -> None:
    found = answers(Client(), pages)
    assert all(status in (302, 405) for status, _ in found.values())
    assert all(where.startswith("/accounts/login/?next=") for status, where in found.values() if status == 302)


@pytest.mark.parametrize("name", ["alice", "morgan"])
def test_members_and_reviewers_find_nothing(request: pytest.FixtureRequest, pages: list[str], name: str) -> None:
    client = Client()
    client.force_login(request.getfixturevalue(name))
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert {status for status, _ in answers(client, pages).values()} == {GONE}


def test_an_administrator_gives_the_password_once_more(client: Client, ada: User, pages: list[str]) -> None:
    client.force_login(ada)
    *pages, models = pages
    assert client.get(models).status_code == 200, "it shows nothing that a thief of the session could use"
    found = answers(client, pages)
    assert all(where.startswith(ONCE_MORE) for status, where in found.values() if status == 302)
    assert all(status in (302, 405) for status, _ in found.values())
    assert client.post(ONCE_MORE + pages[0], {"password": "not this one"}).status_code == 200
    assert client.get(pages[0]).status_code == 302
    assert client.post(ONCE_MORE + pages[0], {"password": PASSWORD, "next": pages[0]})["Location"] == pages[0]
    assert {client.get(page).status_code for page in pages} == {200}
    assert Group.objects.filter(name="Team").exists()


def test_password_is_asked_for_again_after_a_quarter_of_an_hour(
    admin: Client, pages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    monkeypatch.setattr("allauth.account.internal.flows.reauthentication.time.time", lambda: now() + 901)
    assert admin.get(pages[0])["Location"].startswith(ONCE_MORE)


def test_an_administrator_who_is_none_any_more_is_out_at_once(admin: Client, ada: User, pages: list[str]) -> None:
    User.objects.filter(pk=ada.pk).update(role=User.Role.REVIEWER)
    assert {admin.get(page).status_code for page in pages} == {GONE}


def test_administration_pages_have_the_content_security_policy_of_all_pages(admin: Client, pages: list[str]) -> None:
    """Check for no inline script or style, no evaluation, nothing from other origins, and no caching."""
    strict = admin.get("/people/")["Content-Security-Policy"]
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
    for page in pages:
        said = admin.get(page)
        text = said.content.decode()
        assert said["Content-Security-Policy"] == strict and "unsafe" not in strict
        assert inline.search(text) is None, page
        assert {src.split("/")[1] for src in re.findall(r'(?:src|stylesheet" href)="([^"]+)"', text)} == {"static"}
        assert "no-store" in said["Cache-Control"]


def test_secrets_and_texts_of_users_are_on_no_administration_page(admin: Client, alice: User, pages: list[str]) -> None:
    User.objects.filter(pk=alice.pk).update(
        instructions="Use metres and herons.", facts=[{"text": "Is 41", "on": True}]
    )
    Collection.objects.update(description="About the herons")
    token = ApiToken.objects.create(user=alice, name="Script", secret_hash="f" * 64, secret_suffix="wxyz")
    text = "".join(unescape(admin.get(page).content.decode()) for page in pages)
    alice.refresh_from_db()
    for kept in (SECRET, "Herons", "herons", "Is 41", alice.password, token.secret_hash, "wxyz", PASSWORD):
        assert kept not in text


@pytest.mark.parametrize(
    "query", ["password__startswith=md5", "q=md5%24", "sort=password", "sort=--name", "role=god", "page=0", "page=x"]
)
def test_columns_that_the_page_does_not_name_are_not_searched_or_sorted(
    admin: Client, alice: User, bob: User, query: str
) -> None:
    page = admin.get(f"/people/?{query}")
    assert page.status_code == 200
    found = page.content.decode()
    if query.startswith("q="):
        assert "alice@example.org" not in found
    else:
        assert found.index("alice@example.org") < found.index("bob@example.org")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("users/user/", "/people/"),
        ("users/user/{user}/change/", "/people/{user}/"),
        ("auth/group/", "/people/groups/"),
        ("auth/group/{group}/change/", "/people/groups/{group}/"),
        ("documents/collection/", "/administration/collections/"),
    ],
)
def test_a_former_address_leads_to_the_page_that_took_its_place(admin: Client, alice: User, old: str, new: str) -> None:
    ids = {"user": alice.pk, "group": Group.objects.create(name="Team").pk}
    assert admin.get(f"/administration/{old.format(**ids)}")["Location"] == new.format(**ids)
    admin.force_login(alice)
    assert admin.get(f"/administration/{old.format(**ids)}").status_code == GONE
