"""Invariants of review that no other test names; `docs/security/cases.md` lists all twenty and where each is tried."""

from __future__ import annotations

import io
import json

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import Error, IntegrityError, connection, transaction

from apps.safety.models import AuditEntry, Case, Decision, Notice, SecondReview, Snapshot
from apps.safety.moderation import appeals, cases, enforcement
from apps.safety.policy.schema import Action
from apps.users.models import User
from apps.users.special_permissions import SEALED
from tests.factories import Notes, decide_note, make_decision_input, make_note_case

pytestmark = pytest.mark.django_db


def test_i3_one_open_case_a_subject_and_clause(alice: User, notes: Notes) -> None:
    found = make_note_case(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.create(
            kind=found.kind,
            subject=found.subject,
            clause=found.clause,
            snapshot=found.snapshot,
            severity=1,
            due_at=found.due_at,
        )


def test_i4_one_decision_a_version(alice: User, morgan: User, notes: Notes) -> None:
    first = decide_note(alice, morgan)
    copy = Decision(
        case=first.case, case_version=first.case_version, reviewer=morgan, outcome="allow", clause="hate",
        policy=first.policy, reason="clear",
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save(force_insert=True)


@pytest.mark.parametrize("field", ["first", "owner"])
def test_i6_a_second_look_is_never_by_who_decided_or_whose_text_it_is(
    alice: User, morgan: User, robin: User, notes: Notes, field: str
) -> None:
    first = decide_note(alice, morgan)
    review = SecondReview.objects.create(
        snapshot=first.case.snapshot, clause=first.clause, owner=alice, first_reviewer=morgan, reviewer=robin
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        SecondReview.objects.filter(pk=review.pk).update(reviewer=morgan if field == "first" else alice)
    assert SecondReview.objects.get(pk=review.pk).reviewer == robin


@pytest.mark.parametrize("field", ["clause", "reason"])
def test_i7_a_decision_cites_a_clause_and_says_why(alice: User, morgan: User, notes: Notes, field: str) -> None:
    first = decide_note(alice, morgan)
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.filter(pk=first.pk).update(**{field: ""})


def test_i8_every_effect_has_a_way_back() -> None:
    named = {name for names in enforcement.OUTCOME_EFFECTS.values() for name in names}
    assert {*enforcement._APPLY, "redact"} == set(enforcement._REVERT) == named


def test_i10_a_snapshot_never_changes(alice: User, notes: Notes) -> None:
    snapshot = make_note_case(alice).snapshot
    for statement in ("UPDATE safety_snapshot SET text = 'other'", "UPDATE safety_snapshot SET sha256 = 'x'"):
        with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Snapshot.objects.get().text == snapshot.text


def test_i14_whoever_is_decided_about_is_told_what_why_and_how_to_object(
    alice: User, morgan: User, notes: Notes
) -> None:
    for subject, outcome in (("1", "block"), ("2", "warn")):
        found = decide_note(alice, morgan, subject, outcome)
        told = Notice.objects.get(decision=found)
        assert told.user == alice and told.clause and "appeal within 30 days" in told.text


def test_i18_no_policy_can_suspend_anybody() -> None:
    assert not any("suspend" in action for action in Action)
    assert Decision._meta.get_field("policy").null is False


def test_i19_labels_are_of_those_who_agreed_and_never_of_sealed_clauses(
    alice: User, bob: User, morgan: User, robin: User, notes: Notes
) -> None:
    User.objects.filter(pk=alice.pk).update(allows_training_on_decisions=True)
    mine = decide_note(alice, morgan)
    decide_note(bob, morgan, "2")
    SEALED.assign(morgan, True)
    morgan.refresh_from_db()
    decide_note(alice, morgan, "3", code="child_exploitation")
    rows = labelled()
    assert [(row["decision"], row["harmful"]) for row in rows] == [(str(mine.pk), True)]
    appeals.submit_appeal(alice, Notice.objects.get(decision=mine), "It was a quotation.")
    claimed = cases.claim_case(robin, mine.case_id)
    ruled = appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    assert [(row["decision"], row["harmful"]) for row in labelled()] == [(str(ruled.pk), False)]
    User.objects.filter(pk=alice.pk).update(allows_training_on_decisions=False)
    assert labelled() == []
    reads = AuditEntry.objects.filter(subject="labels").order_by("seq")
    said = [(row.kind, row.actor, row.user, row.payload["texts"]) for row in reads]
    assert said == [("read", None, alice.pk, 1)] * 2


def labelled() -> list[dict[str, object]]:
    out = io.StringIO()
    call_command("export_labels", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_i20_nobody_acts_as_somebody_else() -> None:
    assert not [
        name for name in settings.INSTALLED_APPS if "hijack" in name or "impersonat" in name or "loginas" in name
    ]
    assert settings.AUTHENTICATION_BACKENDS == ["allauth.account.auth_backends.AuthenticationBackend"]
