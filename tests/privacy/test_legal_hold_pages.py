"""Page of legal holds of users: setting and lifting ask for a reason, and the page says what happened."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.privacy import retention
from apps.privacy.models import LegalHold
from apps.safety.models import AuditEntry
from apps.users.models import User

PAGE = "/privacy/holds/"


@pytest.fixture
def held(ada: User, alice: User) -> User:
    retention.hold_user(ada, alice, "Court order 7")
    return alice


def test_setting_a_hold_says_so(as_ada: Client, alice: User) -> None:
    response = as_ada.post(PAGE, {"person": alice.email, "reason": "Court order 7"}, follow=True)
    assert f"Legal hold on {alice} set." in response.content.decode()


def test_lifting_asks_with_the_name_and_stores_the_reason(as_ada: Client, held: User) -> None:
    page = as_ada.get(PAGE).content.decode()
    assert f"Lift the hold on {held}?" in page and "<dialog" in page and "js/pages/base.js" in page
    response = as_ada.post(PAGE, {"person": held.pk, "hold": "no", "reason": "The case is over"}, follow=True)
    assert f"Legal hold on {held} lifted." in response.content.decode() and not LegalHold.objects.exists()
    assert AuditEntry.objects.get(kind="hold.lifted").payload == {"why": "The case is over"}


@pytest.mark.parametrize("reason", ["", "   "])
def test_legal_hold_is_not_lifted_without_a_reason(as_ada: Client, held: User, reason: str) -> None:
    response = as_ada.post(PAGE, {"person": held.pk, "hold": "no", "reason": reason}, follow=True)
    assert "Write why." in response.content.decode() and LegalHold.objects.filter(user=held).exists()


def test_a_hold_that_another_administrator_lifted_meanwhile_is_said(as_ada: Client, ada: User, held: User) -> None:
    retention.lift_user_hold(ada, held, "The case is over")
    response = as_ada.post(PAGE, {"person": held.pk, "hold": "no", "reason": "The case is over"}, follow=True)
    assert "There is no legal hold on this user any more." in response.content.decode()
    assert as_ada.post(PAGE, {"person": 999_999, "hold": "no", "reason": "x"}).status_code == 404


def test_the_page_of_the_user_shows_the_hold(as_ada: Client, held: User, bob: User) -> None:
    page = as_ada.get(f"/people/{held.pk}/").content.decode()
    assert "Under a legal hold" in page and f'href="{PAGE}">' in page.split("<dl")[1]
    assert "Under a legal hold" not in as_ada.get(f"/people/{bob.pk}/").content.decode()
