"""A claim lasts while somebody is at it, and what opened by itself goes back with the decision that opened it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.safety.errors import ActionRefused
from apps.safety.models import Case, Decision
from apps.safety.models.case_states import CaseMove, CaseState
from apps.safety.moderation import bulk_decisions, cases
from apps.users.models import User
from tests.factories import make_client, make_decision_input, make_note_case
from tests.support.pages import strip_layout

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("notes")]


def left(pk: object, seconds: float) -> None:
    """So long the claim lasts from now on; below zero: it has run out."""
    Case.objects.filter(pk=pk).update(lease_until=timezone.now() + timedelta(seconds=seconds))


def until(pk: object) -> float:
    found = Case.objects.get(pk=pk).lease_until
    return (found - timezone.now()).total_seconds() if found else 0.0


def test_a_claim_lasts_while_somebody_is_at_it(alice: User, morgan: User) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    left(claimed.pk, 5)
    assert cases.renew_claim(morgan, claimed.pk, claimed.lease_token) == claimed.lease_token
    assert until(claimed.pk) > cases.LEASE_S - 60
    cases.decide_case(morgan, claimed.pk, make_decision_input(claimed, "allow"))
    with pytest.raises(ActionRefused):
        cases.renew_claim(morgan, claimed.pk, claimed.lease_token)  # what is decided is not claimed again


def test_expired_claim_is_renewed_where_nobody_else_has_claimed(alice: User, morgan: User, robin: User) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    left(claimed.pk, -1)
    cases.release_expired_claims()
    token = cases.renew_claim(morgan, claimed.pk, claimed.lease_token)
    assert token != claimed.lease_token
    with pytest.raises(ActionRefused):
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed, "allow"))
    left(claimed.pk, -1)
    cases.claim_case(robin, claimed.pk)
    with pytest.raises(ActionRefused):
        cases.renew_claim(morgan, claimed.pk, token)
    assert Case.objects.get().holder == robin


def test_the_page_asks_for_it_and_is_told_when_it_is_over(alice: User, morgan: User, robin: User) -> None:
    claimed, client = cases.claim_case(morgan, make_note_case(alice).pk), make_client(morgan)
    at = f"/review/{claimed.pk}/renew/"
    assert f'data-renew="{at}"' in client.get(f"/review/{claimed.pk}/").content.decode()
    assert client.post(at, {"token": claimed.lease_token}).json() == {"token": claimed.lease_token}
    assert "token" not in make_client(robin).post(at, {"token": claimed.lease_token}).json()
    left(claimed.pk, -1)
    cases.claim_case(robin, claimed.pk)
    assert "Another reviewer has claimed this case" in client.post(at, {"token": claimed.lease_token}).json()["message"]


def test_a_batch_is_kept_whole(alice: User, morgan: User, robin: User) -> None:
    for number in range(3):
        make_note_case(alice, str(number), text=f"All of them should be driven into the sea, number {number}")
    claimed = cases.claim_case(morgan, Case.objects.get(subject="0").pk)
    batch, client = bulk_decisions.gather_batch(morgan, claimed.pk), make_client(morgan)
    for row in Case.objects.all():
        left(row.pk, 5)
    assert client.post(f"/review/batches/{batch.pk}/renew/").json() == {}
    assert all(until(row.pk) > cases.LEASE_S - 60 for row in Case.objects.all())
    assert make_client(robin).post(f"/review/batches/{batch.pk}/renew/").status_code == 404
    bulk_decisions.release_batch(morgan, batch)
    assert "has expired" in client.post(f"/review/batches/{batch.pk}/renew/").json()["message"]


def test_case_opened_automatically_is_released_when_the_decision_is_undone(alice: User, morgan: User) -> None:
    first, second = make_note_case(alice, "1"), make_note_case(alice, "2")
    client = make_client(morgan)
    client.post(f"/review/{first.pk}/claim/")
    held = Case.objects.get(pk=first.pk)
    sent = {"token": held.lease_token, "version": held.version, "outcome": "block", "reason": "clear", "show": "new"}
    at = str(client.post(f"/review/{first.pk}/decide/", sent)["Location"])
    assert at.startswith(f"/review/{second.pk}/") and Case.objects.get(pk=second.pk).holder == morgan
    page = strip_layout(client.get(at).content.decode())
    assert f'name="opened" value="{second.pk}"' in page
    client.post(f"/review/{first.pk}/undo/", {"show": "new", "opened": str(second.pk)})
    second.refresh_from_db()
    assert (second.state, second.holder, second.lease_token) == (CaseState.OPEN, None, "")
    assert Case.objects.get(pk=first.pk).holder == morgan


@pytest.mark.parametrize("sent", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_claim_of_another_reviewer_is_not_released(alice: User, morgan: User, robin: User, sent: str) -> None:
    theirs = cases.claim_case(robin, make_note_case(alice, "1").pk)
    assert not cases.release_claim(morgan, sent) and not cases.release_claim(morgan, str(theirs.pk))
    assert Case.objects.get().holder == robin


def escalated(by: User, owner: User, subject: str) -> Case:
    claimed = cases.claim_case(by, make_note_case(owner, subject).pk)
    return cases.release_case(by, claimed.pk, claimed.lease_token, CaseMove.ESCALATE, "what does the law say here")


def test_escalated_case_is_released_to_administrators(alice: User, morgan: User, ada: User) -> None:
    first, second = (cases.claim_case(ada, escalated(morgan, alice, subject).pk) for subject in "12")
    cases.decide_case(ada, first.pk, make_decision_input(first, "allow"))
    make_client(ada).post(f"/review/{first.pk}/undo/", {"show": "escalated", "opened": str(second.pk)})
    second.refresh_from_db()
    assert Decision.objects.get().undone is not None
    assert (second.state, second.holder) == (CaseState.ESCALATED, None)


def test_escalated_case_stays_for_administrators_when_its_claim_expires(alice: User, morgan: User, ada: User) -> None:
    claimed = cases.claim_case(ada, escalated(morgan, alice, "1").pk)
    left(claimed.pk, -1)
    with pytest.raises(ActionRefused):
        cases.claim_case(morgan, claimed.pk)  # before anybody swept
    cases.release_expired_claims()
    assert Case.objects.get().state == CaseState.ESCALATED
    with pytest.raises(ActionRefused):
        cases.claim_case(morgan, claimed.pk)
    again = cases.claim_case(ada, claimed.pk)
    cases.request_second_review(ada, again.pk, again.lease_token)
    assert Case.objects.get().state == CaseState.ESCALATED
