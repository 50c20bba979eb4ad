"""Submit and decide appeals against decisions of reviewers.

A decision can be appealed once, within 30 days. Another reviewer than the first decides, unless no other can.
Overturning reverts every effect of the first decision.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import Appeal, Case, Decision, Notice
from apps.safety.models.case_states import CaseMove, CaseRole, CaseState, next_state
from apps.safety.moderation import decision_notices, enforcement
from apps.safety.moderation.cases import CASE_TAKEN, get_role, record_decision, visible_cases
from apps.safety.moderation.decision_input import DecisionInput
from apps.safety.policy import separation_of_duties
from apps.users.models import User

APPEAL_DAYS = 30
APPEAL_DUE_DAYS = 7


def can_appeal(notice: Notice) -> bool:
    """Return whether the notice's decision can be appealed now.

    True for a standing first decision other than ALLOW, at most 30 days old, while its case is still decided.
    """
    decision = notice.decision
    return (
        decision is not None
        and decision.undone is None
        and decision.outcome in enforcement.FIRST_OUTCOMES
        and decision.outcome != Decision.Outcome.ALLOW
        and notice.case.state == CaseState.DECIDED
        and get_appeal_deadline(decision) > timezone.now()
    )


def get_appeal_deadline(decision: Decision) -> datetime:
    """Return until when the decision can be appealed."""
    return decision.created + timedelta(days=APPEAL_DAYS)


def submit_appeal(user: User, notice: Notice, text: str) -> Appeal:
    """Store the user's appeal and put the case back into the queue, due in 7 days.

    Only the owner of the content may appeal. The text is cut to 2000 characters. Case, appeal and the audit entry
    `case.appealed` are one transaction. Raise ActionRefused if the text is empty, the decision can no longer be
    appealed, or it was appealed already.
    """
    decision, case = notice.decision, notice.case
    if not text.strip():
        raise ActionRefused(gettext("Write a sentence about why you disagree."))
    if decision is None or decision.owner_id != user.pk or not can_appeal(notice):
        raise ActionRefused(gettext("This can no longer be appealed."))
    state = next_state(case.state, CaseMove.APPEAL, CaseRole.OWNER)
    due = timezone.now() + timedelta(days=APPEAL_DUE_DAYS)
    try:
        with transaction.atomic():
            rows = Case.objects.filter(pk=case.pk, state=case.state)
            if not rows.update(state=state, holder=None, due_at=due, version=F("version") + 1):
                raise ActionRefused(gettext("This can no longer be appealed."))
            row = Appeal.objects.create(decision=decision, text=text.strip()[:2000])
            audit.record_event("case.appealed", actor=user, user=user.pk, subject=f"case {case.pk}")
    except IntegrityError as error:
        raise ActionRefused(gettext("You already appealed this.")) from error
    return row


def format_due_day(appeal: Appeal) -> str:
    """Return the day by which the appeal has to be decided, in the format of the active language."""
    return date_format(appeal.created + timedelta(days=APPEAL_DUE_DAYS), gettext("j F Y"))


def find_appealed_decision(case: Case) -> Decision:
    """Return the decision that the appeal of the case is about."""
    return case.decisions.filter(undone=None, outcome__in=enforcement.FIRST_OUTCOMES).latest("created")


def decide_appeal(user: User, pk: Any, ruling: DecisionInput) -> Decision:
    """Uphold or overturn the appealed decision, notify the owner and return the new decision.

    The user must hold the claim that `ruling` names and may not have made the first decision while another reviewer
    could decide. OVERTURN reverts the effects of the first decision. Everything is one transaction with the audit entry
    `case.decided`. Raise ActionRefused if the user may not decide, the claim was lost or the input is incomplete.
    """
    case = visible_cases(user).filter(pk=pk).first()
    moves = {Decision.Outcome.UPHOLD: CaseMove.UPHOLD, Decision.Outcome.OVERTURN: CaseMove.OVERTURN}
    if case is None or ruling.outcome not in moves or ruling.reason not in Decision.Reason.values:
        raise ActionRefused(gettext("Choose whether to reject or grant the appeal, and a reason."))
    first = find_appealed_decision(case)
    if first.reviewer_id == user.pk and separation_of_duties.has_other_reviewer(case, user.pk):
        raise ActionRefused(CASE_TAKEN)
    state = next_state(case.state, moves[Decision.Outcome(ruling.outcome)], get_role(user))
    with transaction.atomic():
        if state == CaseState.OVERTURNED:
            enforcement.lock_redaction(first.outcome)
        decision = record_decision(user, case, ruling, state, first)
        if state == CaseState.OVERTURNED:
            enforcement.revert_effects(first, user)
            enforcement.apply_effects(decision, "")
        decision_notices.notify_appeal_decision(decision, first)
    return decision
