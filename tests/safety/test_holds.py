"""What a check holds is held for a while only: then it is given free, its person is told, and its case waits on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from apps.documents.ingestion import worker
from apps.images.models import Picture
from apps.privacy import tasks
from apps.safety import holds, notices, policies, review
from apps.safety.folding import Outcome
from apps.safety.models import Allowance, Case, Effect, Event, Notice
from apps.safety.policy import Action
from apps.safety.review import Flagged, Ruling
from apps.safety.transitions import State
from apps.users.models import User
from tests.safety.cases import Notes, case

pytestmark = pytest.mark.django_db


def later(found: Case, hours: float = 0.0) -> Case:
    """As if its time had come."""
    Case.objects.filter(pk=found.pk).update(held_until=timezone.now() - timedelta(hours=hours, seconds=1))
    return Case.objects.get(pk=found.pk)


def held_picture(owner: User, code: str = "violence") -> tuple[Picture, Case]:
    row = Picture.objects.create(
        owner=owner, prompt="A red cat", width=64, height=64, steps=4, guidance=1, seed=1, model="fake",
        status=Picture.Status.HELD, reason="Held", file="pictures/a.png",
    )  # fmt: skip
    outcome = Outcome(Action.SEND, code, 3, 0.9)
    return row, review.flag(Flagged("picture", str(row.pk), "picture", "A picture", owner.pk, outcome))


def decided(user: User, found: Case, outcome: str) -> None:
    held = review.claim(user, found.pk)
    review.decide(user, held.pk, Ruling(held.lease_token, held.version, outcome, "clear"))


def test_a_hold_ends_by_itself_and_its_person_is_told(alice: User, shelf: Notes) -> None:
    found = case(alice)
    assert found.held_until is not None and found.due <= found.held_until
    assert found.held_until - found.created <= timedelta(hours=settings.HOLD_HOURS, seconds=1)
    assert "or the hold ends by itself" in Notice.objects.get().text
    assert holds.sweep() == 0 and not policies.allowed(found.snapshot.text)
    later(found)
    assert holds.sweep() == 1 and holds.sweep() == 0
    policies.refresh()
    assert policies.allowed(found.snapshot.text), "exactly this question passes"
    again = Case.objects.get(pk=found.pk)
    assert (again.state, again.held_until) == (State.OPEN, None) and again.lapsed is not None
    told = Notice.objects.order_by("-pk")[0]
    assert (told.person, told.title) == (alice, "The hold of a note has ended")
    entry = Event.objects.get(kind="case.lapsed")
    assert (entry.actor, entry.person, entry.payload) == (None, alice.pk, {"clause": "hate"})


def test_a_picture_that_was_held_is_shown(alice: User, shelf: Notes) -> None:
    row, found = held_picture(alice)
    later(found)
    assert holds.sweep() == 1
    row.refresh_from_db()
    assert (row.status, row.reason) == (Picture.Status.READY, "")
    assert not Allowance.objects.exists(), "only a question is known again by its words"


@pytest.mark.parametrize("code", ["child_exploitation", "weapons", "self_harm"])
def test_what_a_clause_that_fails_closed_holds_stays_held(alice: User, shelf: Notes, code: str) -> None:
    row, found = held_picture(alice, code)
    assert found.held_until is None
    later(found)  # also where the policy was milder when it was found
    assert holds.sweep() == 0
    row.refresh_from_db()
    assert row.status == Picture.Status.HELD and not Event.objects.filter(kind="case.lapsed").exists()


def test_nothing_ends_where_nothing_is_held(alice: User, shelf: Notes) -> None:
    outcome = Outcome(Action.SEND, "hate", 3, 0.9)
    assert holds.until("note", "answer", outcome, timezone.now()) is None
    assert holds.until("note", "question", Outcome(Action.REVIEW, "hate", 3, 0.9), timezone.now()) is None


@pytest.mark.parametrize("state", [State.CLAIMED, State.ESCALATED])
def test_a_claim_or_an_escalation_is_no_decision(alice: User, morgan: User, shelf: Notes, state: str) -> None:
    found = case(alice)
    held = review.claim(morgan, found.pk)
    if state == State.ESCALATED:
        review.leave(morgan, found.pk, held.lease_token, review.Move.ESCALATE, "Too hard for me")
    later(found)
    assert holds.sweep() == 1
    assert Case.objects.get(pk=found.pk).state == state
    if state == State.CLAIMED:
        review.decide(morgan, found.pk, Ruling(held.lease_token, held.version, "allow", "mistake"))


def test_who_decided_in_time_is_not_overruled(alice: User, morgan: User, shelf: Notes) -> None:
    found = case(alice)
    decided(morgan, found, "block")
    later(found)
    assert holds.sweep() == 0 and not Allowance.objects.exists()


@pytest.mark.parametrize("outcome", ["block", "warn", "suspend"])
def test_a_later_decision_holds_again_and_its_undoing_frees_again(
    alice: User, morgan: User, shelf: Notes, outcome: str
) -> None:
    found = case(alice)
    later(found)
    holds.sweep()
    decided(morgan, found, outcome)
    assert not Allowance.objects.exists() and shelf.state["1"].startswith("withheld")
    review.undo(morgan, found.pk)
    row = Allowance.objects.get()
    assert (row.sha256, row.case, row.decision) == (found.snapshot.sha256, found, None)
    assert shelf.state["1"] == "as it was"


def test_what_a_person_allowed_is_not_stopped_by_the_decision_about_another(
    alice: User, morgan: User, shelf: Notes
) -> None:
    shelf.state["2"] = "too"
    first, second = case(alice, text="The same."), case(alice, "2", text="The same.")
    later(first)
    holds.sweep()
    decided(morgan, first, "allow")
    decided(morgan, second, "block")
    assert Allowance.objects.count() == 1 and not Effect.objects.filter(name="stop").exists()


def test_the_worker_ends_them_and_the_words_are_those_of_the_person(alice: User, shelf: Notes) -> None:
    assert holds.sweep in worker.periodic_jobs and tasks.do.name
    User.objects.filter(pk=alice.pk).update(language="de")
    found = case(User.objects.get(pk=alice.pk))
    notices.lapsed(Case.objects.get(pk=found.pk))
    assert "beendet" in Notice.objects.order_by("-pk")[0].title


def test_a_picture_that_people_withheld_stays_so_when_another_hold_of_it_ends(
    alice: User, morgan: User, shelf: Notes
) -> None:
    row, found = held_picture(alice)
    outcome = Outcome(Action.SEND, "sexual", 3, 0.9)
    other = review.flag(Flagged("picture", str(row.pk), "picture", "A picture", alice.pk, outcome))
    decided(morgan, found, "block")
    later(other)
    assert holds.sweep() == 0 and holds.sweep() == 0
    row.refresh_from_db()
    assert row.status == Picture.Status.HELD
    assert Case.objects.get(pk=other.pk).lapsed is None and not Event.objects.filter(kind="case.lapsed").exists()


def test_a_question_that_people_withheld_does_not_pass_because_nobody_looked_at_it_again(
    alice: User, morgan: User, shelf: Notes
) -> None:
    shelf.state["2"] = "too"
    first, second = case(alice, text="The same."), case(alice, "2", text="The same.")
    decided(morgan, first, "block")
    later(second)
    assert holds.sweep() == 0 and not Allowance.objects.exists()


def test_what_is_held_anew_after_a_hold_ended_is_held_for_a_while_too(alice: User, shelf: Notes) -> None:
    row, found = held_picture(alice)
    later(found)
    assert holds.sweep() == 1
    outcome = Outcome(Action.SEND, "violence", 3, 0.9)
    review.flag(Flagged("picture", str(row.pk), "picture", "A picture", alice.pk, outcome))
    again = Case.objects.get(pk=found.pk)
    assert again.held_until is not None and again.lapsed is None and again.times == 2
