"""What a check holds is held for a while only: then it is given free, its person is told, and its case waits on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.documents.ingestion import worker
from apps.images.models import Picture
from apps.privacy import tasks
from apps.safety.models import AllowedText, AppliedEffect, AuditEntry, Case, Notice
from apps.safety.models.case_states import CaseState
from apps.safety.moderation import cases, decision_notices, temporary_holds
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.policy import versions
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.schema import Action
from apps.users.models import User
from tests.factories import Notes, decide_case, make_decision_input, make_note_case

pytestmark = pytest.mark.django_db


def later(found: Case, hours: float = 0.0) -> Case:
    """As if its time had come."""
    Case.objects.filter(pk=found.pk).update(hold_expires_at=timezone.now() - timedelta(hours=hours, seconds=1))
    return Case.objects.get(pk=found.pk)


def held_picture(owner: User, code: str = "violence") -> tuple[Picture, Case]:
    row = Picture.objects.create(
        owner=owner, prompt="A red cat", width=64, height=64, steps=4, guidance=1, seed=1, model="fake",
        status=Picture.Status.HELD, reason="Held", file="pictures/a.png",
    )  # fmt: skip
    outcome = PolicyResult(Action.SEND, code, 3, 0.9)
    return row, cases.flag_content(FlaggedContent("picture", str(row.pk), "picture", "A picture", owner.pk, outcome))


def test_a_hold_ends_by_itself_and_its_person_is_told(alice: User, notes: Notes) -> None:
    found = make_note_case(alice)
    assert found.hold_expires_at is not None and found.due_at <= found.hold_expires_at
    assert found.hold_expires_at - found.created <= timedelta(hours=settings.HOLD_HOURS, seconds=1)
    assert "If none decides in time, it is released" in Notice.objects.get().text
    assert temporary_holds.end_expired_holds() == 0 and not versions.is_allowed_text(found.snapshot.text)
    later(found)
    assert temporary_holds.end_expired_holds() == 1 and temporary_holds.end_expired_holds() == 0
    versions.refresh_policy()
    assert versions.is_allowed_text(found.snapshot.text), "exactly this question passes"
    again = Case.objects.get(pk=found.pk)
    assert (again.state, again.hold_expires_at) == (CaseState.OPEN, None) and again.hold_expired_at is not None
    told = Notice.objects.order_by("-pk")[0]
    assert (told.user, told.title) == (alice, "A note is no longer withheld")
    entry = AuditEntry.objects.get(kind="case.lapsed")
    assert (entry.actor, entry.user, entry.payload) == (None, alice.pk, {"clause": "hate"})


def test_a_picture_that_was_held_is_shown(alice: User, notes: Notes) -> None:
    row, found = held_picture(alice)
    later(found)
    assert temporary_holds.end_expired_holds() == 1
    row.refresh_from_db()
    assert (row.status, row.reason) == (Picture.Status.READY, "")
    assert not AllowedText.objects.exists(), "only a question is known again by its words"


@pytest.mark.parametrize("code", ["child_exploitation", "weapons", "self_harm"])
def test_hold_of_a_clause_that_fails_closed_does_not_expire(alice: User, notes: Notes, code: str) -> None:
    row, found = held_picture(alice, code)
    assert found.hold_expires_at is None
    later(found)  # also where the policy was milder when it was found
    assert temporary_holds.end_expired_holds() == 0
    row.refresh_from_db()
    assert row.status == Picture.Status.HELD and not AuditEntry.objects.filter(kind="case.lapsed").exists()


def test_expiry_is_not_set_where_nothing_is_held(alice: User, notes: Notes) -> None:
    outcome = PolicyResult(Action.SEND, "hate", 3, 0.9)
    assert temporary_holds.compute_expiry("note", "answer", outcome, timezone.now()) is None
    assert (
        temporary_holds.compute_expiry("note", "question", PolicyResult(Action.REVIEW, "hate", 3, 0.9), timezone.now())
        is None
    )


@pytest.mark.parametrize("state", [CaseState.CLAIMED, CaseState.ESCALATED])
def test_a_claim_or_an_escalation_is_no_decision(alice: User, morgan: User, notes: Notes, state: str) -> None:
    found = make_note_case(alice)
    claimed = cases.claim_case(morgan, found.pk)
    if state == CaseState.ESCALATED:
        cases.release_case(morgan, found.pk, claimed.lease_token, cases.CaseMove.ESCALATE, "Too hard for me")
    later(found)
    assert temporary_holds.end_expired_holds() == 1
    assert Case.objects.get(pk=found.pk).state == state
    if state == CaseState.CLAIMED:
        cases.decide_case(morgan, found.pk, make_decision_input(claimed, "allow", "mistake"))


def test_decision_made_in_time_is_not_overruled_by_the_expiry(alice: User, morgan: User, notes: Notes) -> None:
    found = make_note_case(alice)
    decide_case(morgan, found, "block")
    later(found)
    assert temporary_holds.end_expired_holds() == 0 and not AllowedText.objects.exists()


@pytest.mark.parametrize("outcome", ["block", "warn", "suspend"])
def test_a_later_decision_holds_again_and_its_undoing_frees_again(
    alice: User, morgan: User, notes: Notes, outcome: str
) -> None:
    found = make_note_case(alice)
    later(found)
    temporary_holds.end_expired_holds()
    decide_case(morgan, found, outcome)
    assert not AllowedText.objects.exists() and notes.state["1"].startswith("withheld")
    cases.undo_decision(morgan, found.pk)
    row = AllowedText.objects.get()
    assert (row.sha256, row.case, row.decision) == (found.snapshot.sha256, found, None)
    assert notes.state["1"] == "as it was"


def test_allowed_text_is_not_withheld_by_the_decision_about_another_case(
    alice: User, morgan: User, notes: Notes
) -> None:
    notes.state["2"] = "too"
    first, second = make_note_case(alice, text="The same."), make_note_case(alice, "2", text="The same.")
    later(first)
    temporary_holds.end_expired_holds()
    decide_case(morgan, first, "allow")
    decide_case(morgan, second, "block")
    assert AllowedText.objects.count() == 1 and not AppliedEffect.objects.filter(name="stop").exists()


@pytest.mark.parametrize("outcome", ["allow", "block"])
def test_an_undone_decision_leaves_the_hold_as_it_was(alice: User, morgan: User, notes: Notes, outcome: str) -> None:
    found = make_note_case(alice)
    decide_case(morgan, found, outcome)
    again = cases.undo_decision(morgan, found.pk)
    assert again.undecided and again.hold_expires_at == found.hold_expires_at
    client = Client()
    client.force_login(morgan)
    assert "hold ends in" in client.get(f"/review/{found.pk}/").content.decode()
    later(found)
    assert temporary_holds.end_expired_holds() == 1
    assert Case.objects.get(pk=found.pk).hold_expired_at is not None


def test_the_worker_ends_them_and_the_words_are_those_of_the_person(alice: User, notes: Notes) -> None:
    assert temporary_holds.end_expired_holds in worker.periodic_jobs and tasks.do.name
    User.objects.filter(pk=alice.pk).update(language="de")
    found = make_note_case(User.objects.get(pk=alice.pk))
    decision_notices.notify_hold_ended(Case.objects.get(pk=found.pk))
    assert "nicht mehr zurückgehalten" in Notice.objects.order_by("-pk")[0].title


def test_a_picture_that_people_withheld_stays_so_when_another_hold_of_it_ends(
    alice: User, morgan: User, notes: Notes
) -> None:
    row, found = held_picture(alice)
    outcome = PolicyResult(Action.SEND, "sexual", 3, 0.9)
    other = cases.flag_content(FlaggedContent("picture", str(row.pk), "picture", "A picture", alice.pk, outcome))
    decide_case(morgan, found, "block")
    later(other)
    assert temporary_holds.end_expired_holds() == 0 and temporary_holds.end_expired_holds() == 0
    row.refresh_from_db()
    assert row.status == Picture.Status.HELD
    assert (
        Case.objects.get(pk=other.pk).hold_expired_at is None
        and not AuditEntry.objects.filter(kind="case.lapsed").exists()
    )


def test_a_question_that_people_withheld_does_not_pass_because_nobody_looked_at_it_again(
    alice: User, morgan: User, notes: Notes
) -> None:
    notes.state["2"] = "too"
    first, second = make_note_case(alice, text="The same."), make_note_case(alice, "2", text="The same.")
    decide_case(morgan, first, "block")
    later(second)
    assert temporary_holds.end_expired_holds() == 0 and not AllowedText.objects.exists()


def test_content_held_anew_after_an_expired_hold_expires_too(alice: User, notes: Notes) -> None:
    row, found = held_picture(alice)
    later(found)
    assert temporary_holds.end_expired_holds() == 1
    outcome = PolicyResult(Action.SEND, "violence", 3, 0.9)
    cases.flag_content(FlaggedContent("picture", str(row.pk), "picture", "A picture", alice.pk, outcome))
    again = Case.objects.get(pk=found.pk)
    assert again.hold_expires_at is not None and again.hold_expired_at is None and again.report_count == 2
