"""Status of the model on pages, health checks, and the settings page."""

from __future__ import annotations

import pytest
from django.db import DatabaseError
from django.test import Client

from apps.conversations.models import AnswerStyle, Assistant, ModelProfile, ShownSentences
from apps.engines.chat.fake import FakeChat
from apps.operations import model_status
from apps.users.models import SiteSettings, User

pytestmark = pytest.mark.django_db(transaction=True)  # the views ask the database from threads of their own


def test_the_pill_stays_until_the_model_has_written_a_token(
    client: Client, alice: User, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_status, "_PAUSE_S", 0)
    client.force_login(alice)
    chat.unavailable = True
    page = client.get("/status/").content.decode()
    assert "The model is starting" in page and 'hx-trigger="every 2s"' in page
    chat.unavailable = False
    assert client.get("/status/").content.decode().strip() == ""
    chat.unavailable = True  # once warm, the pill asks no more: an answer that waits says so itself
    assert client.get("/status/").content.decode().strip() == ""


def test_model_health_is_probed_once_for_many_pages(
    client: Client, alice: User, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = []

    async def probe() -> float:
        probes.append(1)
        chat.unavailable = True
        return await FakeChat.probe(chat)

    monkeypatch.setattr(chat, "probe", probe)
    client.force_login(alice)
    for _ in range(5):
        client.get("/status/")
    assert len(probes) == 1


def test_a_model_that_never_came_is_away_and_administrators_get_the_way_to_the_doctor(
    as_ada: Client, alice: User, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_status, "WARMING_S", -1)
    chat.unavailable = True
    assert 'href="/doctor/"' in as_ada.get("/status/").content.decode()
    other = Client()
    other.force_login(alice)
    page = other.get("/status/").content.decode()
    assert "is not responding" in page and "/doctor/" not in page


def test_strangers_learn_nothing_of_the_model(client: Client, db: None) -> None:
    assert client.get("/status/").status_code == 204


def test_monitors_hear_whether_it_lives_and_is_ready(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [client.get(f"/health/{kind}/").status_code for kind in ("live", "ready")] == [200, 200]

    def broken(self: object) -> bool:
        raise DatabaseError

    monkeypatch.setattr("django.db.models.query.QuerySet.exists", broken)
    assert [client.get(f"/health/{kind}/").status_code for kind in ("live", "ready")] == [200, 503]


def test_settings_are_changed_by_administrators(as_ada: Client, alice: User) -> None:
    profile = ModelProfile.objects.create(name="some-7B")
    assert "some-7B" in as_ada.get("/settings/").content.decode()
    data = {
        "site-signup": "open",
        "site-second_factor": "nobody",
        "assistant-style": "quotes",
        f"model{profile.pk}-style": "model",
    }
    data |= {"assistant-shown_sentences": "all", f"model{profile.pk}-shown_sentences": "verified"}
    assert as_ada.post("/settings/", data)["Location"] == "/settings/"
    profile.refresh_from_db()
    assert (SiteSettings.current().signup, Assistant.default().style, profile.style) == (
        "open",
        AnswerStyle.QUOTES,
        AnswerStyle.MODEL,
    )
    assert (Assistant.default().shown_sentences, profile.shown_sentences) == (
        ShownSentences.ALL,
        ShownSentences.VERIFIED,
    )

    other = Client()
    assert other.post("/settings/", data).status_code == 302
    other.force_login(alice)
    assert other.post("/settings/", data).status_code == 404


def test_a_choice_that_does_not_exist_changes_nothing(as_ada: Client) -> None:
    response = as_ada.post("/settings/", {"site-signup": "everybody", "assistant-style": "quotes"})
    assert response.status_code == 200
    assert Assistant.default().style == AnswerStyle.AUTOMATIC
