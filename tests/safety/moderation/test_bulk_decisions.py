"""Near-duplicates are decided together: seen first, decided one by one, and taken back at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.safety.errors import ActionRefused
from apps.safety.models import AuditEntry, BulkDecision, Case, Decision, Notice
from apps.safety.models.case_states import CaseState
from apps.safety.moderation import bulk_decisions, cases
from apps.safety.moderation.bulk_decisions import BatchItem
from apps.safety.moderation.decision_input import DecisionInput
from apps.users.models import User
from apps.users.special_permissions import SEALED
from tests.factories import Notes, make_note_case, make_user

pytestmark = pytest.mark.django_db
TEXT = "Everybody from the northern islands should be driven into the sea, number {}"


@pytest.fixture
def held(alice: User, bob: User, morgan: User, notes: Notes) -> Case:
    """The first of four that are alike; beside them one of other words, one of another clause, and Morgan's own."""
    for number in range(4):
        make_note_case(alice if number % 2 else bob, str(number), text=TEXT.format(number))
    make_note_case(alice, "5", text="Something else altogether about the islands")
    make_note_case(alice, "6", code="violence", text=TEXT.format(6))
    make_note_case(morgan, "7", text=TEXT.format(7))
    return cases.claim_case(morgan, Case.objects.get(subject="0").pk)


def items(user: User, batch: BulkDecision) -> list[BatchItem]:
    return [BatchItem(str(row.pk), row.lease_token, row.version) for row in bulk_decisions.preview_batch(user, batch)]


def batch_input(outcome: str = "block") -> DecisionInput:
    return DecisionInput("", 0, outcome, "clear")


def test_bulk_decision_gathers_only_similar_cases_of_the_same_clause(morgan: User, held: Case) -> None:
    batch = bulk_decisions.gather_batch(morgan, held.pk)
    assert sorted(row.subject for row in bulk_decisions.preview_batch(morgan, batch)) == ["0", "1", "2", "3"]
    assert AuditEntry.objects.filter(kind="read").count() == 4  # each text that the preview shows


def test_texts_of_another_version_of_the_policy_are_not_gathered(alice: User, morgan: User, held: Case) -> None:
    snapshot = Case.objects.get(subject="1").snapshot
    old, snapshot.pk, snapshot.policy = snapshot.pk, None, None
    snapshot.save(force_insert=True)
    Case.objects.filter(snapshot=old).update(snapshot=snapshot)
    assert sorted(row.subject for row in bulk_decisions.find_near_duplicates(morgan, held)) == ["2", "3"]


def test_bulk_decision_decides_each_ticked_case_and_reopens_unticked_ones(
    morgan: User, held: Case, notes: Notes
) -> None:
    batch = bulk_decisions.gather_batch(morgan, held.pk)
    ticked = [item for item in items(morgan, batch) if item.pk != str(Case.objects.get(subject="3").pk)]
    assert bulk_decisions.decide_batch(morgan, batch, ticked, batch_input()) == bulk_decisions.BatchResult(3, 0)
    assert sorted(Decision.objects.values_list("case__subject", flat=True)) == ["0", "1", "2"]
    assert all(notes.state[subject].startswith("withheld") for subject in "012")
    assert (notes.state["3"], Case.objects.get(subject="3").state) == ("as it was", CaseState.OPEN)
    assert Notice.objects.filter(decision__isnull=False).count() == 3


def test_bulk_decision_is_undone_as_a_whole(morgan: User, held: Case, notes: Notes) -> None:
    batch = bulk_decisions.gather_batch(morgan, held.pk)
    bulk_decisions.decide_batch(morgan, batch, items(morgan, batch), batch_input("warn"))
    assert bulk_decisions.find_undoable_batch(morgan) == (batch, 4)
    assert bulk_decisions.undo_batch(morgan, batch) == 4
    assert set(notes.state.values()) == {"as it was"}
    assert not Decision.objects.filter(undone=None).exists()
    assert len(bulk_decisions.preview_batch(morgan, batch)) == 4
    bulk_decisions.decide_batch(morgan, batch, items(morgan, batch), batch_input("allow"))
    Decision.objects.update(created=timezone.now() - timedelta(seconds=bulk_decisions.UNDO_S + 1))
    with pytest.raises(ActionRefused, match="within a minute"):
        bulk_decisions.undo_batch(morgan, batch)


def test_bulk_decision_leaves_cases_that_another_reviewer_has_claimed(morgan: User, held: Case, notes: Notes) -> None:
    robin = make_user("robin", User.Role.REVIEWER)
    batch = bulk_decisions.gather_batch(morgan, held.pk)
    seen = items(morgan, batch)
    Case.objects.filter(subject="1").update(lease_until=timezone.now() - timedelta(seconds=1))
    cases.claim_case(robin, Case.objects.get(subject="1").pk)
    assert bulk_decisions.decide_batch(morgan, batch, seen, batch_input()) == bulk_decisions.BatchResult(3, 1)
    assert Case.objects.get(subject="1").holder == robin
    assert notes.state["1"] == "as it was"


def test_bulk_decision_never_suspends_or_decides_unticked_cases(morgan: User, held: Case) -> None:
    batch = bulk_decisions.gather_batch(morgan, held.pk)
    for wrong, seen in (
        (batch_input("suspend"), items(morgan, batch)),
        (batch_input(), []),
        (DecisionInput("", 0, "block", "x"), []),
    ):
        with pytest.raises(ActionRefused):
            bulk_decisions.decide_batch(morgan, batch, seen, wrong)
    assert not Decision.objects.exists()


def test_sealed_clauses_are_never_gathered(alice: User, morgan: User, notes: Notes) -> None:
    for number in range(2):
        make_note_case(alice, str(number), code="child_exploitation", text=TEXT.format(number))
    SEALED.assign(morgan, True)
    morgan.refresh_from_db()
    found = cases.claim_case(morgan, Case.objects.get(subject="0").pk)
    with pytest.raises(ActionRefused):
        bulk_decisions.gather_batch(morgan, found.pk)


def test_bulk_decision_is_made_through_the_pages(client: Client, morgan: User, held: Case, notes: Notes) -> None:
    client.force_login(morgan)
    assert "Decide 3 more like this" in client.get(f"/review/{held.pk}/").content.decode()
    at = client.post(f"/review/{held.pk}/similar/")["Location"]
    page = client.get(at).content.decode()
    assert "4 similar cases" in page and "number 3" in page
    ticked = [f"{item.pk}:{item.token}:{item.version}" for item in items(morgan, BulkDecision.objects.get())]
    client.post(f"{at}decide/", {"item": [*ticked, "nonsense", "x:y:z"], "reason": "clear", "outcome": "block"})
    assert "Undo all" in client.get("/review/").content.decode()
    client.post(f"{at}undo/")
    assert set(notes.state.values()) == {"as it was"}
    client.post(f"{at}release/")
    assert not Case.objects.filter(holder=morgan).exists()
    client.force_login(make_user("robin", User.Role.REVIEWER))
    assert client.get(at).status_code == 404
