"""The clock of the machine jumps: leases end too early or too late, and still every case is decided once, by who holds
it, and nothing that was decided, held or written down is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import AppliedEffect, AuditEntry, Case, Decision
from apps.safety.models.case_states import CaseState
from apps.safety.moderation import bulk_decisions, cases, temporary_holds
from apps.safety.moderation.decision_input import DecisionInput
from apps.users.models import User
from tests.factories import Notes, decide_case, make_decision_input, make_note_case, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("notes")]
Jump = Callable[[float], None]


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Jump:
    """So many hours the clock goes ahead, or back."""
    now, off = timezone.now, [timedelta(0)]

    def ahead(hours: float) -> None:
        off[0] += timedelta(hours=hours)

    def moved() -> datetime:
        return now() + off[0]

    monkeypatch.setattr(timezone, "now", moved)
    return ahead


@pytest.mark.parametrize("hours", [1, 24 * 400])
def test_claim_is_over_when_the_clock_jumps_ahead(alice: User, morgan: User, jump: Jump, hours: float) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    jump(hours)
    cases.release_expired_claims()
    assert Case.objects.get().state == CaseState.OPEN
    with pytest.raises(ActionRefused):
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    token = cases.renew_claim(morgan, claimed.pk, claimed.lease_token)
    cases.decide_case(morgan, claimed.pk, DecisionInput(token, claimed.version, "block", "clear"))
    assert Decision.objects.count() == AppliedEffect.objects.filter(state="applied", name="withhold").count() == 1
    assert audit.verify_chain() == []


def test_claim_is_kept_when_the_clock_jumps_back(alice: User, morgan: User, jump: Jump) -> None:
    robin = make_user("robin", User.Role.REVIEWER)
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    jump(-24)
    cases.release_expired_claims()
    with pytest.raises(ActionRefused):
        cases.claim_case(robin, claimed.pk)
    made = cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    assert made.created < claimed.created and Case.objects.get().state == CaseState.DECIDED
    with pytest.raises(ActionRefused):  # the same page once more, after the clock was set right
        jump(24)
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    assert audit.verify_chain() == [] and list(AuditEntry.objects.order_by("seq").values_list("seq", flat=True))[-1] > 0


def test_audit_log_stays_one_chain_when_the_clock_jumps_there_and_back(alice: User, morgan: User, jump: Jump) -> None:
    for number, hours in enumerate((5, -48, 1, -1)):
        jump(hours)
        decide_case(morgan, make_note_case(alice, str(number)), "allow")
    seen = list(AuditEntry.objects.order_by("seq").values_list("seq", flat=True))
    assert seen == list(range(seen[0], seen[0] + len(seen))) and audit.verify_chain() == []


def test_undo_is_for_seconds_whatever_the_clock_does(alice: User, morgan: User, notes: Notes, jump: Jump) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    jump(1)
    with pytest.raises(ActionRefused):
        cases.undo_decision(morgan, claimed.pk)
    assert notes.state["1"].startswith("withheld") and bulk_decisions.find_undoable_batch(morgan) is None


def test_a_hold_under_a_clause_that_fails_closed_outlasts_any_jump(alice: User, jump: Jump) -> None:
    case = make_note_case(alice, code="weapons", severity=4)
    jump(24 * 400)
    temporary_holds.end_expired_holds()
    case.refresh_from_db()
    assert case.hold_expired_at is None and case.state == CaseState.OPEN
