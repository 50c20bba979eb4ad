"""Banner and instructions of the site: set on the page, shown to signed-in users, given to every model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse

from apps.conversations.assistants.instructions import build_instructions
from apps.conversations.models import Assistant
from apps.operations import forms
from apps.safety.models import AuditEntry
from apps.users import site_texts
from apps.users.models import SiteSettings, User
from tests.factories import get_page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_texts_afterwards() -> Iterator[None]:
    yield
    site_texts._copy["texts"] = float("-inf"), site_texts.SiteTexts()


def save(admin: Client, **texts: str) -> None:
    given = {
        "site-signup": "invitation",
        "site-signup_approval": "on",
        "site-second_factor": "nobody",
        "assistant-style": "automatic",
        "assistant-shown_sentences": "automatic",
    }
    response = admin.post("/settings/", given | {f"site-{name}": text for name, text in texts.items()})
    assert response.status_code == 302


def test_the_banner_is_on_the_pages_of_signed_in_users_as_plain_text(admin: Client, alice: User) -> None:
    save(admin, banner="Closed on <b>Friday</b>.")
    page = get_page(alice, "/collections/")
    assert "Closed on &lt;b&gt;Friday&lt;/b&gt;." in page
    assert "Closed on" not in Client().get("/accounts/login/").content.decode()
    save(admin, banner="")
    assert "site-banner" not in get_page(alice, "/collections/")


def test_the_instructions_come_before_those_of_the_assistant(admin: Client) -> None:
    save(admin, instructions="Address readers formally.")
    assert build_instructions(Assistant(instructions="Be brief.")) == "Address readers formally.\n\nBe brief."
    entry = AuditEntry.objects.get(kind="settings.changed")
    assert entry.payload == {"name": "instructions", "before": "", "after": "Address readers formally."}
    assert "Instructions for every answer" in admin.get("/review/log/").content.decode()


def test_texts_are_read_again_by_other_processes_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    SiteSettings.objects.update_or_create(pk=1, defaults={"banner": "Closed on Friday."})
    assert site_texts.load_site_texts().banner == ""
    monkeypatch.setattr(site_texts.settings, "SITE_TEXTS_S", 5.0)
    assert site_texts.load_site_texts().banner == "Closed on Friday."


def test_texts_that_are_too_long_are_refused() -> None:
    given = {"signup": "invitation", "second_factor": "nobody", "instructions": "x" * 2001, "banner": "x" * 301}
    assert set(forms.SignupModeForm(given, by=User(), by_provider=False).errors) == {"instructions", "banner"}


@pytest.mark.django_db(transaction=True)
async def test_the_banner_is_not_read_for_a_fragment_of_an_async_view(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(site_texts, "load_site_texts", lambda: read.append("read") or site_texts.SiteTexts())
    client = AsyncClient()
    await client.aforce_login(alice)
    assert (await client.post(reverse("images:expand"), {"prompt": ""})).status_code == 200
    assert not read
    assert (await client.get("/collections/")).status_code == 200 and read
