"""Language of pages: the user's choice, else the browser's."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation

from apps.users import i18n
from apps.users.models import User

SIGN_IN = "/accounts/login/"


def lang(client: Client, path: str = SIGN_IN, asks: str = "") -> str:
    page = client.get(path, headers={"accept-language": asks} if asks else {})
    return page.content.decode().split('<html lang="', 1)[1].split('"', 1)[0]


@pytest.mark.parametrize(
    ("asks", "shown"),
    [("", "en"), ("de", "de"), ("de-AT,de;q=0.9,en;q=0.8", "de"), ("fr,es;q=0.5", "es"), ("fr", "en")],
)
def test_language_before_sign_in_is_that_of_the_browser(client: Client, db: None, asks: str, shown: str) -> None:
    assert lang(client, asks=asks) == shown


def test_caches_are_told_what_a_page_depends_on(client: Client, db: None) -> None:
    page = client.get(SIGN_IN, headers={"accept-language": "de"})
    assert page["Content-Language"] == "de"
    assert {"accept-language", "cookie"} <= {name.strip().lower() for name in page["Vary"].split(",")}


def test_a_choice_is_kept_in_the_browser(client: Client, db: None) -> None:
    answer = client.post("/language/", {"language": "es", "next": SIGN_IN})
    assert (answer.status_code, answer["Location"]) == (302, SIGN_IN)
    assert lang(client, asks="de") == "es"
    client.post("/language/", {"language": ""})
    assert lang(client, asks="de") == "de"


def test_a_choice_is_kept_with_the_person(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.post("/language/", {"language": "de"})
    alice.refresh_from_db()
    assert alice.language == "de"
    another = Client()
    another.force_login(alice)
    assert lang(another, "/limits/", asks="es") == "de"
    another.post("/language/", {"language": ""})
    assert lang(another, "/limits/", asks="es") == "es"


def test_a_language_that_is_not_there_is_refused(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.post("/language/", {"language": "tlh"}).status_code == 400
    alice.refresh_from_db()
    assert alice.language == ""


def test_a_choice_leads_to_no_other_site(client: Client, db: None) -> None:
    answer = client.post("/language/", {"language": "de", "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"


def test_the_former_page_leads_to_the_start_page_and_changes_nothing(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="de")
    client.force_login(alice)
    answer = client.get("/language/")
    alice.refresh_from_db()
    assert answer["Location"] == "/" and alice.language == "de" and not answer.cookies


@pytest.mark.parametrize(
    ("own", "cookie", "asks", "spoken"),
    [("de", "es", "es", "de"), ("", "es", "de", "es"), ("", "", "de-CH, en;q=0.2", "de"), ("", "xx", "", "en")],
)
def test_a_socket_speaks_as_its_page(own: str, cookie: str, asks: str, spoken: str) -> None:
    headers = [(b"accept-language", asks.encode()), (b"cookie", f"language={cookie}".encode())]
    assert i18n.get_socket_language(User(language=own), headers) == spoken


def test_the_texts_of_scripts_come_in_their_language(client: Client, db: None) -> None:
    with translation.override("en"):
        answer = client.get("/words/de.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert '"Copied": "Kopiert"' in answer.content.decode()
    assert client.get("/words/tlh.js").status_code == 404
