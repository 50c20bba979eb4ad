"""Review: one case a subject, one holder at a time, decisions that nobody overwrites, effects that can be undone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import AllowedText, AppliedEffect, AuditEntry, Case, Decision, Notice, Snapshot
from apps.safety.models.case_states import CaseMove, CaseState
from apps.safety.moderation import appeals, auto_close, cases, enforcement
from apps.safety.moderation.decision_input import DecisionInput
from apps.safety.moderation.reviewable import ContextItem
from apps.safety.policy import versions
from apps.safety.policy.user_messages import CRISIS_SUPPORT
from apps.users.models import User
from tests.factories import NOTE_KIND, Notes, decide_case, make_decision_input, make_note_case

pytestmark = pytest.mark.django_db


def test_the_same_thing_flagged_twice_is_one_case(alice: User, notes: Notes) -> None:
    first, again = make_note_case(alice), make_note_case(alice)
    assert first.pk == again.pk
    assert Case.objects.get().report_count == 2
    assert make_note_case(alice, code="violence").pk != first.pk
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.create(
            kind=NOTE_KIND, subject="1", clause="hate", snapshot=first.snapshot, severity=1, due_at=timezone.now()
        )


def test_the_same_thing_flagged_twice_at_one_moment_is_one_case(
    alice: User, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two readers of one link do, to whom its picture is shown."""

    def meanwhile(subject: str) -> list[ContextItem]:
        monkeypatch.undo()
        make_note_case(alice)  # this one has looked for a case before, and found none
        return []

    monkeypatch.setattr(notes, "context", meanwhile)
    assert make_note_case(alice) == Case.objects.get() and Snapshot.objects.count() == 1


def test_a_claim_keeps_others_away_until_it_runs_out(alice: User, morgan: User, robin: User, notes: Notes) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    assert cases.claim_case(morgan, claimed.pk).lease_token == claimed.lease_token
    with pytest.raises(ActionRefused):
        cases.claim_case(robin, claimed.pk)
    Case.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    theirs = cases.claim_case(robin, claimed.pk)
    with pytest.raises(ActionRefused, match="Another reviewer"):
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    cases.decide_case(robin, claimed.pk, make_decision_input(theirs))
    assert Decision.objects.count() == 1


def test_a_stale_version_or_an_expired_lease_never_decides(alice: User, morgan: User, notes: Notes) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    for stale in (
        DecisionInput(claimed.lease_token, claimed.version + 1, "block", "clear"),
        DecisionInput("x", claimed.version, "block", "clear"),
    ):
        with pytest.raises(ActionRefused):
            cases.decide_case(morgan, claimed.pk, stale)
    Case.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ActionRefused):
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    assert (Decision.objects.count(), notes.state["1"]) == (0, "as it was")
    assert cases.release_expired_claims() == 1
    assert Case.objects.get().state == CaseState.OPEN


def test_members_see_no_queue_and_nobody_sees_their_own_case(alice: User, morgan: User, notes: Notes) -> None:
    mine = make_note_case(morgan)
    assert not cases.visible_cases(alice).exists()
    assert not cases.visible_cases(morgan).exists()
    for user in (alice, morgan):
        with pytest.raises(ActionRefused):
            cases.claim_case(user, mine.pk)


def test_a_decision_does_what_it_says_tells_the_person_and_is_recorded(alice: User, morgan: User, notes: Notes) -> None:
    made = decide_case(morgan, make_note_case(alice), "suspend")
    alice.refresh_from_db()
    assert not alice.is_active
    assert notes.state["1"].startswith("withheld: A reviewer withheld this. Hate.")
    notice = Notice.objects.filter(user=alice).first()
    assert notice is not None
    assert "Hate" in notice.clause
    assert "30 days" in notice.text
    assert made.policy == versions.get_live_version()
    kinds = list(AuditEntry.objects.values_list("kind", flat=True))
    done = ["case.claimed", "case.decided", "effect.applied", "person.suspended", "effect.applied"]
    assert kinds[-5:] == done, "the person's own entry stands beside that of the decision"


@pytest.mark.parametrize("outcome", ["allow", "block", "warn", "suspend"])
def test_undoing_restores_exactly_what_was_there(alice: User, morgan: User, notes: Notes, outcome: str) -> None:
    case = make_note_case(alice)
    told = Notice.objects.count()
    decide_case(morgan, case, outcome)
    back = cases.undo_decision(morgan, case.pk)
    alice.refresh_from_db()
    assert (back.state, notes.state["1"], alice.is_active) == (CaseState.CLAIMED, "as it was", True)
    assert not AppliedEffect.objects.filter(state=AppliedEffect.State.APPLIED).exists()
    assert Notice.objects.count() == told
    cases.decide_case(morgan, case.pk, make_decision_input(back, "warn"))


@pytest.mark.parametrize("first", [True, False])
def test_effect_of_two_decisions_is_undone_with_the_last_of_them(
    alice: User, morgan: User, robin: User, notes: Notes, first: bool
) -> None:
    """One thing against two clauses, one person suspended for both: an appeal takes back only its part."""
    made = [decide_case(morgan, make_note_case(alice, code=code), "suspend") for code in ("hate", "violence")]
    for decision in made if first else made[::-1]:
        alice.refresh_from_db()
        assert not alice.is_active and notes.state["1"].startswith("withheld: ")
        enforcement.revert_effects(decision, morgan)
    alice.refresh_from_db()
    assert (alice.is_active, notes.state["1"]) == (True, "as it was")


@pytest.mark.parametrize("first", [True, False])
def test_a_text_that_two_decisions_allowed_passes_until_both_are_taken_back(
    alice: User, morgan: User, notes: Notes, first: bool
) -> None:
    notes.state["2"] = "too"
    made = [decide_case(morgan, make_note_case(alice, subject, text="The same."), "allow") for subject in ("1", "2")]
    for decision in made if first else made[::-1]:
        assert AllowedText.objects.count() == 1
        enforcement.revert_effects(decision, morgan)
    assert not AllowedText.objects.exists()


def test_decision_is_undone_only_by_its_reviewer_and_within_seconds(
    alice: User, morgan: User, robin: User, notes: Notes
) -> None:
    case = make_note_case(alice)
    decide_case(morgan, case)
    with pytest.raises(ActionRefused):
        cases.undo_decision(robin, case.pk)
    Decision.objects.update(created=timezone.now() - timedelta(seconds=cases.UNDO_S + 1))
    with pytest.raises(ActionRefused):
        cases.undo_decision(morgan, case.pk)


def test_an_appeal_is_decided_by_somebody_else_and_overturned_restores_everything(
    alice: User, morgan: User, robin: User, notes: Notes
) -> None:
    case = make_note_case(alice)
    decide_case(morgan, case, "suspend")
    notice = Notice.objects.filter(user=alice, decision__isnull=False).get()
    appeals.submit_appeal(alice, notice, "It was a quotation.")
    with pytest.raises(ActionRefused):
        appeals.submit_appeal(alice, notice, "Again.")
    with pytest.raises(ActionRefused, match="a reviewer other than"):
        cases.claim_case(morgan, case.pk)
    theirs = cases.claim_case(robin, case.pk)
    appeals.decide_appeal(robin, case.pk, make_decision_input(theirs, "overturn", "mistake"))
    alice.refresh_from_db()
    assert (alice.is_active, notes.state["1"]) == (True, "as it was")
    assert Case.objects.get().state == CaseState.OVERTURNED
    assert Notice.objects.filter(user=alice).first().title == "Your appeal was successful"  # type: ignore[union-attr]
    versions.refresh_policy()
    assert versions.is_allowed_text(case.snapshot.text)


def test_the_database_keeps_the_roles_apart(alice: User, morgan: User, notes: Notes) -> None:
    case = make_note_case(alice)
    made = decide_case(morgan, case)
    for wrong in ({"reviewer": alice}, {"first_reviewer": morgan}, {"clause": ""}):
        fields = {"reviewer": morgan, "owner": alice, "clause": "hate", "reason": "clear", "case_version": 9, **wrong}
        with pytest.raises(IntegrityError), transaction.atomic():
            Decision.objects.create(case=case, policy=made.policy, outcome="block", **fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.create(
            case=case, policy=made.policy, outcome="block", reviewer=morgan, clause="hate", reason="clear",
            case_version=made.case_version,
        )  # fmt: skip


def test_escalated_goes_to_administrators_and_needs_a_word(alice: User, morgan: User, notes: Notes) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    with pytest.raises(ActionRefused, match="Write why"):
        cases.release_case(morgan, claimed.pk, claimed.lease_token, CaseMove.ESCALATE)
    cases.release_case(morgan, claimed.pk, claimed.lease_token, CaseMove.ESCALATE, "I know the person")
    with pytest.raises(ActionRefused):
        cases.claim_case(morgan, claimed.pk)
    cases.claim_case(User.objects.get(name="Ada"), claimed.pk)


def test_a_deleted_subject_closes_its_case_and_the_text_stays(alice: User, notes: Notes) -> None:
    case = make_note_case(alice)
    auto_close.close_deleted(NOTE_KIND, "1")
    assert Case.objects.get().state == CaseState.AUTO_CLOSED
    assert Snapshot.objects.get().text == case.snapshot.text


def test_self_harm_case_sends_no_notice(alice: User, notes: Notes) -> None:
    make_note_case(alice, code="self_harm")
    assert not Notice.objects.exists()


@pytest.mark.parametrize("outcome", ["warn", "suspend"])
def test_self_harm_case_never_punishes_the_user(alice: User, morgan: User, notes: Notes, outcome: str) -> None:
    """Wherever the case comes from: a random check, a list of the site's own, a classifier."""
    claimed = cases.claim_case(morgan, make_note_case(alice, code="self_harm").pk)
    with pytest.raises(ActionRefused, match="never punished"):
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed, outcome))
    alice.refresh_from_db()
    assert alice.is_active and not Notice.objects.exists() and notes.state["1"] == "as it was"
    assert Case.objects.get().state == CaseState.CLAIMED


def test_reviewer_suspends_no_administrator(ada: User, morgan: User, notes: Notes) -> None:
    claimed = cases.claim_case(morgan, make_note_case(ada).pk)
    with pytest.raises(ActionRefused, match="Only administrators"):
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed, "suspend"))
    ada.refresh_from_db()
    assert ada.is_active and Case.objects.get().state == CaseState.CLAIMED
    assert cases.decide_case(morgan, claimed.pk, make_decision_input(claimed, "warn")).outcome == "warn"


def test_self_harm_decision_gives_the_words_of_support_whole(alice: User, morgan: User, notes: Notes) -> None:
    decide_case(morgan, make_note_case(alice, code="self_harm"), "block")
    notice = Notice.objects.get()
    words = " ".join(CRISIS_SUPPORT.splitlines())
    assert words in notice.text and "appeal within 30 days" in notice.text and "withheld" not in notice.title
    assert notes.state["1"] == f"withheld: {words}" and len(CRISIS_SUPPORT) <= 400, "what is kept with an answer"


def test_self_harm_case_that_is_allowed_sends_no_notice(alice: User, morgan: User, notes: Notes) -> None:
    decide_case(morgan, make_note_case(alice, code="self_harm"), "allow")
    assert not Notice.objects.exists()


def test_reading_somebodys_words_is_recorded(alice: User, morgan: User, notes: Notes) -> None:
    case = make_note_case(alice)
    cases.read_case(morgan, case.pk)
    entry = AuditEntry.objects.filter(kind="read").get()
    assert (entry.actor, entry.user) == (morgan.pk, alice.pk)
    assert audit.verify_chain() == []
