"""Attacks on the whole site that belong to no single app; `docs/security/cases.md` lists attacks and their tests."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from apps.conversations.models import Assistant
from apps.documents.models import Collection
from apps.safety.gate.gate import check_question
from apps.users.models import User
from tests.factories import make_client
from tests.support.env_reading import read_env
from tests.support.password import PASSWORD

pytestmark = pytest.mark.django_db
FORMS = [
    "/instructions/",
    "/privacy/consent/",
    "/tokens/",
    "/collections/",
    "/assistants/new/",
]
PAGES = ["/", "/privacy/", "/notices/", "/instructions/", "/collections/", "/conversations/all/", "/pictures/"]
CANARY = "canary-7f3e91"


@pytest.mark.parametrize("value", ["true", "1", "on", "True", ["true"], '["true"]'])
def test_t04_forms_take_no_more_than_they_show(alice: User, bob: User, value: object) -> None:
    before = User.objects.filter(pk=alice.pk).values("role", "is_active", "email", "password", "date_joined").get()
    extra = dict.fromkeys(("is_staff", "is_superuser", "is_administrator", "is_active", "owner", "tenant"), value)
    extra |= {"id": bob.pk, "pk": bob.pk, "user": bob.pk, "role": "administrator", "owner_id": bob.pk}
    client = make_client(alice)
    for address in FORMS:
        client.post(address, {**extra, "name": "Mine", "title": "Mine"})
    assert User.objects.filter(pk=alice.pk).values(*before).get() == before
    assert not Collection.objects.filter(owner=bob).exists() and not Assistant.objects.filter(owner=bob).exists()


def test_t10_known_unknown_and_inactive_accounts_are_answered_alike(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    pages = []
    for who in ("alice@example.org", "nobody@example.org", "bob@example.org"):
        said = Client().post("/accounts/login/", {"login": who, "password": "not this one"})
        pages.append((said.status_code, said.content.decode().replace(who, "").count("errorlist")))
    assert len(set(pages)) == 1


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example"]
)
def test_t16_foreign_host_name_is_refused(alice: User, host: str) -> None:
    assert make_client(alice).get("/", headers={"host": host}).status_code == 400


def test_t16_a_form_of_another_site_changes_nothing(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    for origin in ("http://evil.example", "null"):
        said = client.post("/privacy/consent/", {"to": "rated", "consent": "yes"}, headers={"origin": origin})
        assert said.status_code == 403
    assert not User.objects.get(pk=alice.pk).allows_training_on_answers


def test_t17_a_session_that_somebody_planted_is_not_the_one_that_signs_in(alice: User) -> None:
    client = Client()
    client.get("/accounts/login/")
    client.cookies["session"] = "planted" * 4
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    mine = client.cookies["session"].value
    assert mine != "planted" * 4
    other = Client()
    other.cookies["session"] = mine
    assert other.get("/notices/").status_code == 200
    client.post("/accounts/logout/")
    assert other.get("/notices/").status_code == 302  # the key is dead wherever it was copied to


@pytest.mark.parametrize("address", PAGES)
def test_t39_pages_forbid_what_they_do_not_need(alice: User, address: str) -> None:
    said = make_client(alice).get(address).headers
    policy = {part.split()[0]: part.split()[1:] for part in said["Content-Security-Policy"].split(";")}
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["form-action"] == ["'self'"]
    assert all("unsafe" not in source and source != "*" for sources in policy.values() for source in sources)
    assert (said["X-Content-Type-Options"], said["X-Frame-Options"]) == ("nosniff", "DENY")
    assert said["Cross-Origin-Opener-Policy"] == said["Referrer-Policy"] == "same-origin"
    assert "no-store" in said["Cache-Control"]


@pytest.mark.parametrize(
    "text", ["(a+)+$", ".*.*.*", "%%%", "_" * 50, '" OR 1=1 --', "NEAR(", "*", "'", "\\", "a" * 100_000]
)
def test_t58_search_words_are_never_a_pattern(alice: User, text: str) -> None:
    client = make_client(alice)
    for address in ("/conversations/all/", "/pictures/", "/pictures/tiles/"):
        assert client.get(address, {"q": text, "text": text, "show": text}).status_code in (200, 302, 400, 404)


async def test_t61_questions_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for text in (CANARY, f"{CANARY} [hate]", f"{CANARY}\x00", f"{CANARY} " * 4000):
            await check_question(text)
    assert CANARY not in caplog.text


def test_t61_passwords_and_forms_are_not_logged(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Client().post("/accounts/login/", {"login": alice.email, "password": CANARY})
        client = make_client(alice)
        client.post("/instructions/", {"instructions": CANARY})
        client.get("/notices/", headers={"authorization": f"Bearer {CANARY}"})
        client.get(f"/no-such-page/?token={CANARY}")
    own = "\n".join(row.getMessage() for row in caplog.records if not row.name.startswith("django.db"))
    assert CANARY not in own


@pytest.mark.parametrize(
    "address",
    ["/.git/config", "/.env", "/static/../manage.py", "/static/%2e%2e/manage.py", "/metrics", "/debug/",
     "/server-status", "/media/", "/media/../db.sqlite3", "/secret_key", "/graphql", "/phpinfo.php"],
)  # fmt: skip
def test_t62_files_of_the_machine_are_not_served(alice: User, address: str) -> None:
    for client in (Client(), make_client(alice)):
        said = client.get(address)
        assert said.status_code in (301, 302, 404)
        assert "Traceback" not in said.content.decode() and "SECRET" not in said.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"ALLOWED_HOSTS": "*"}, {"ALLOWED_HOSTS": "a.example, *"}, {"SECRET_KEY": "changeme"},
     {"DEBUG": "1", "SITE_URL": "https://books.example"}, {"HOLD_HOURS": "0"}, {"HOLD_HOURS": "48"}],
)  # fmt: skip
def test_t63_dangerous_configuration_does_not_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^({'|'.join(wrong)}) "):
        read_env(wrong)
    read_env()


def test_attack_cases_have_a_row_that_names_files_which_exist() -> None:
    text = Path("docs/security/cases.md").read_text()
    rows = [row for row in text.partition("## Cases and their tests")[2].splitlines() if row.startswith("| ")]
    named = {case for row in rows for case in re.findall(r"T\d\d", row)}
    unused = {19, 25, 26, 27, 28, 29, 52}  # numbers that the list of cases leaves out
    assert named == {f"T{number:02d}" for number in range(1, 66) if number not in unused}
    files = {file for row in rows for file in re.findall(r"`([\w/]+\.py)`", row)}
    assert not [file for file in files if not Path("tests", file).is_file()]
