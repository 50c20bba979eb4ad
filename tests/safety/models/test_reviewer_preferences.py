"""Reviewers are spared: hard texts are covered, and clauses can be left to others."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.safety.models import reviewer_preferences
from apps.safety.moderation import cases
from apps.users.models import User
from tests.factories import make_note_case
from tests.support.pages import strip_layout

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("notes")]


def test_clauses_are_left_to_others_and_texts_uncovered_on_ones_own_page(
    client: Client, alice: User, morgan: User
) -> None:
    hate, crime = make_note_case(alice, "1"), make_note_case(alice, "2", code="crime")
    client.force_login(morgan)
    claimed = cases.claim_case(morgan, crime.pk)
    assert "data-unread" in client.get(f"/review/{claimed.pk}/").content.decode()
    client.post("/review/preferences/", {"without": ["hate", "nonsense"]})
    assert reviewer_preferences.get_preferences(morgan).skipped_clauses == ["hate"]
    assert str(hate.pk) not in client.get("/review/").content.decode()
    page = client.get(f"/review/{claimed.pk}/").content.decode()
    assert "data-unread" not in page and "some [crime] text" in page
    assert 'value="hate" checked' in strip_layout(client.get("/review/preferences/").content.decode())
