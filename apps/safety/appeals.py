"""A person disagrees: once a decision, within thirty days, decided by somebody else. Overturned means: as if never."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from apps.safety import audit, effects, notices, separation
from apps.safety.models import Appeal, Case, Decision, Notice
from apps.safety.review import TAKEN, Ruling, queue, role_of, settle
from apps.safety.transitions import Move, Refused, Role, State, transition
from apps.users.models import User

DAYS = 30
DUE_DAYS = 7


def can_appeal(notice: Notice) -> bool:
    decision = notice.decision
    return (
        decision is not None
        and decision.undone is None
        and decision.outcome in effects.FIRST
        and decision.outcome != Decision.Outcome.ALLOW
        and notice.case.state == State.DECIDED
        and decision.created > timezone.now() - timedelta(days=DAYS)
    )


def appeal(user: User, notice: Notice, text: str) -> Appeal:
    """Somebody else will look at it. Raises Refused."""
    decision, case = notice.decision, notice.case
    if not text.strip():
        raise Refused(gettext("Say in a sentence why you disagree."))
    if decision is None or decision.owner_id != user.pk or not can_appeal(notice):
        raise Refused(gettext("This can no longer be appealed."))
    state = transition(case.state, Move.APPEAL, Role.OWNER)
    due = timezone.now() + timedelta(days=DUE_DAYS)
    try:
        with transaction.atomic():
            rows = Case.objects.filter(pk=case.pk, state=case.state)
            if not rows.update(state=state, holder=None, due=due, version=F("version") + 1):
                raise Refused(gettext("This can no longer be appealed."))
            row = Appeal.objects.create(decision=decision, text=text.strip()[:2000])
            audit.record("case.appealed", actor=user, person=user.pk, subject=f"case {case.pk}")
    except IntegrityError as error:
        raise Refused(gettext("You have appealed this already.")) from error
    return row


def rule(user: User, pk: Any, ruling: Ruling) -> Decision:
    """Upheld, or overturned with everything reverted; the person is told. Raises Refused."""
    case = queue(user).filter(pk=pk).first()
    moves = {Decision.Outcome.UPHOLD: Move.UPHOLD, Decision.Outcome.OVERTURN: Move.OVERTURN}
    if case is None or ruling.outcome not in moves or ruling.reason not in Decision.Reason.values:
        raise Refused(gettext("Choose whether the decision stands, and why."))
    first = case.decisions.filter(undone=None, outcome__in=effects.FIRST).latest("created")
    if first.reviewer_id == user.pk and separation.has_other_reviewer(case, user.pk):
        raise Refused(TAKEN)
    state = transition(case.state, moves[Decision.Outcome(ruling.outcome)], role_of(user))
    with transaction.atomic():
        if state == State.OVERTURNED:
            effects.meet_answers(first.outcome)
        decision = settle(user, case, ruling, state, first)
        if state == State.OVERTURNED:
            effects.revert(first, user)
            effects.apply(decision, "")
        notices.ruled(decision)
    return decision
