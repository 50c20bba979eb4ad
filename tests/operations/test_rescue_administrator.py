"""Command that lets a locked-out administrator back in without mail and password."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from apps.safety.audit_log import audit
from apps.safety.models import AuditEntry
from apps.safety.views.audit_log_rows import make_rows
from apps.users.models import User
from tests.support.password import PASSWORD

NEW = "another long passphrase"


def rescue(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command and return the link that it prints."""
    call_command("rescue_administrator", *arguments)
    told = capsys.readouterr().out
    assert PASSWORD not in told
    return told.splitlines()[-1].removeprefix("http://localhost:8000")


def choose(client: Client, link: str) -> str:
    form = client.get(link, follow=True)
    if not form.redirect_chain:
        return form.content.decode()
    done = client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW}, follow=True)
    return done.content.decode()


def test_a_suspended_administrator_chooses_a_new_password_and_signs_in(
    client: Client, ada: User, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Client()
    other.force_login(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    EmailAddress.objects.all().delete()
    link = rescue(capsys, "Ada@Example.org")
    assert other.get("/doctor/").status_code == 302
    assert "Password changed" in choose(client, link)
    assert "no longer works" in choose(Client(), link)
    client.post("/accounts/login/", {"login": ada.email, "password": NEW})
    assert client.get("/doctor/").status_code == 200
    assert EmailAddress.objects.get(user=ada, verified=True, primary=True).email == ada.email


def test_a_member_becomes_an_administrator_where_there_is_no_other(
    alice: User, capsys: pytest.CaptureFixture[str]
) -> None:
    rescue(capsys, alice.email)
    alice.refresh_from_db()
    assert alice.is_administrator and alice.is_active


def test_the_log_says_that_it_was_done_on_the_server(ada: User, capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    rescue(capsys, ada.email)
    rows = AuditEntry.objects.order_by("seq")
    assert [(row.kind, row.actor, row.user) for row in rows] == [
        ("person.reinstated", None, ada.pk), ("person.rescued", None, ada.pk),
    ]  # fmt: skip
    last = make_rows(rows)[-1]
    assert (last.event, last.details) == ("Administrator access restored", [("How", "by a command on the server")])
    assert audit.verify_chain() == []


def test_an_unknown_address_makes_an_account_only_where_that_is_asked_for(
    db: None, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match=r"There is no account with the address new@example\.org\. Add --create"):
        call_command("rescue_administrator", "new@example.org")
    with pytest.raises(CommandError, match="valid email"):
        call_command("rescue_administrator", "nonsense", "--create")
    assert not User.objects.exists() and not AuditEntry.objects.exists()
    link = rescue(capsys, "new@example.org", "--create")
    assert not User.objects.get().has_usable_password()
    assert "Password changed" in choose(client, link)
    client.post("/accounts/login/", {"login": "new@example.org", "password": NEW})
    assert client.get("/doctor/").status_code == 200


def test_the_link_leads_to_the_address_of_the_site(
    ada: User, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SITE_URL = "https://books.example.org"
    assert rescue(capsys, ada.email).startswith("https://books.example.org/accounts/password/reset/key/")
