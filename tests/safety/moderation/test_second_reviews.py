"""Second reviews are blind, by somebody else, and show where people disagree."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry, Case, Decision, SecondReview
from apps.safety.models.case_states import CaseState
from apps.safety.moderation import cases, second_reviews
from apps.users.models import User
from apps.users.special_permissions import SEALED
from tests.factories import Notes, decide_note, make_decision_input, make_note_case
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def every_decision_is_reviewed_twice(notes: Notes, settings: object) -> None:
    settings.REVIEW_SECOND_PERCENT = 100  # type: ignore[attr-defined]


def said(user: User, harmful: bool) -> SecondReview:
    row = second_reviews.claim_review(user)
    assert row is not None
    return second_reviews.submit_review(user, row.pk, row.lease_token, harmful)


def test_the_share_is_drawn_by_the_random_key(alice: User, morgan: User, settings: object) -> None:
    settings.REVIEW_SECOND_PERCENT = 25  # type: ignore[attr-defined]
    drawn = sum(second_reviews.is_sampled(Decision()) for _ in range(2000))
    assert 400 < drawn < 600
    settings.REVIEW_SECOND_PERCENT = 0  # type: ignore[attr-defined]
    assert not any(second_reviews.is_sampled(Decision()) for _ in range(50))


def test_second_review_is_claimed_only_by_somebody_else(alice: User, morgan: User, robin: User) -> None:
    decide_note(alice, morgan)
    assert second_reviews.claim_review(morgan) is None and second_reviews.claim_review(alice) is None
    row = second_reviews.claim_review(robin)
    assert row is not None and row.reviewer == robin
    assert second_reviews.claim_review(robin) == row  # the one that was begun
    assert second_reviews.claim_review(User.objects.get(name="Ada")) is None  # held
    for wrong in ({"reviewer": morgan}, {"owner": robin}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SecondReview.objects.update(**wrong)


def test_a_second_look_is_given_once_and_changes_nothing(alice: User, morgan: User, robin: User, notes: Notes) -> None:
    decide_note(alice, morgan)
    before = dict(notes.state)
    row = said(robin, True)
    assert row.harmful and Case.objects.get().state == CaseState.DECIDED and notes.state == before
    with pytest.raises(ActionRefused):
        second_reviews.submit_review(robin, row.pk, row.lease_token, False)
    with pytest.raises(ActionRefused):
        second_reviews.read_review(robin, row.pk)


def test_second_review_claim_is_renewed_while_its_page_is_open(alice: User, morgan: User, robin: User) -> None:
    decide_note(alice, morgan)
    row, client = second_reviews.claim_review(robin), Client()
    assert row is not None
    client.force_login(robin)
    at = f"/review/second-reviews/{row.pk}/renew/"
    assert f'data-renew="{at}"' in client.get(f"/review/second-reviews/{row.pk}/").content.decode()
    SecondReview.objects.update(lease_until=timezone.now() + timedelta(seconds=5))
    assert client.post(at, {"token": row.lease_token}).json() == {}
    until = SecondReview.objects.get().lease_until
    assert until is not None and until > timezone.now() + timedelta(seconds=second_reviews.LEASE_S - 60)
    assert "has expired" in client.post(at, {"token": "another"}).json()["message"]
    SecondReview.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert "has expired" in client.post(at, {"token": row.lease_token}).json()["message"]


def test_undone_decision_needs_no_second_review(alice: User, morgan: User, robin: User) -> None:
    found = decide_note(alice, morgan)
    cases.undo_decision(morgan, found.case_id)
    assert second_reviews.claim_review(robin) is None


def test_a_disputed_decision_is_opened_again_by_an_administrator_who_did_not_make_it(
    alice: User, ada: User, morgan: User, robin: User, notes: Notes
) -> None:
    found = decide_note(alice, morgan)
    with pytest.raises(ActionRefused, match="second review"):
        cases.reopen_case(ada, found.case_id)
    said(robin, False)
    assert [row.decision for row in second_reviews.disputed_reviews()] == [found]
    with pytest.raises(ActionRefused):
        cases.reopen_case(robin, found.case_id)
    claimed = cases.reopen_case(ada, found.case_id)
    assert (claimed.state, claimed.holder, notes.state["1"]) == (CaseState.CLAIMED, ada, "as it was")
    cases.decide_case(ada, claimed.pk, make_decision_input(claimed, "allow", "mistake"))
    assert not second_reviews.disputed_reviews().exists()


def test_a_second_opinion_is_asked_for_and_read_by_who_decides(alice: User, morgan: User, robin: User) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    cases.request_second_review(morgan, claimed.pk, claimed.lease_token)
    assert Case.objects.get().state == CaseState.OPEN and second_reviews.claim_review(morgan) is None
    said(robin, False)
    client = Client()
    client.force_login(morgan)
    client.post(f"/review/{claimed.pk}/claim/")
    assert "Second reviews</h2>" in client.get(f"/review/{claimed.pk}/").content.decode()


def test_sealed_clauses_are_never_drawn_nor_asked_for(alice: User, ada: User, morgan: User) -> None:
    SEALED.assign(morgan, True)
    morgan.refresh_from_db()
    decide_note(alice, morgan, code="child_exploitation")
    claimed = cases.claim_case(morgan, make_note_case(alice, "2", code="child_exploitation").pk)
    with pytest.raises(ActionRefused):
        cases.request_second_review(morgan, claimed.pk, claimed.lease_token)
    assert not SecondReview.objects.exists() and Case.objects.get(pk=claimed.pk).holder == morgan


def test_second_review_pages_hide_the_first_decision(client: Client, alice: User, morgan: User, robin: User) -> None:
    decide_note(alice, morgan, text="Only <b>this</b>")
    client.force_login(robin)
    assert 'Second reviews<span class="count">1</span>' in strip_layout(client.get("/review/").content.decode())
    at = client.post("/review/second-reviews/")["Location"]
    assert "this&lt;/b&gt;" not in client.get(at).content.decode()
    assert not AuditEntry.objects.filter(kind="read", actor=robin.pk).exists()
    page = client.get(f"{at}?open=1").content.decode()
    assert "Only &lt;b&gt;this&lt;/b&gt;" in page and "0.97" not in page and "decided" not in page.lower()
    entry = AuditEntry.objects.get(kind="read", actor=robin.pk)
    assert (entry.user, entry.payload["why"]) == (alice.pk, "second") and entry.payload["clause"] == "hate"
    row = SecondReview.objects.get()
    client.post(f"{at}submit/", {"token": row.lease_token, "answer": "nonsense"})
    assert SecondReview.objects.get().submitted is None
    client.post(f"{at}submit/", {"token": row.lease_token, "answer": "harmless"})
    assert client.get(at).status_code == 404
    assert "1 current decision is disputed" in client.get("/review/figures/").content.decode()
    page = strip_layout(client.get("/review/?show=disputed").content.decode())
    assert 'Disputed<span class="count">1</span>' in page
