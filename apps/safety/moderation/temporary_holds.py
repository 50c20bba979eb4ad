"""End holds that an automatic check set and no reviewer decided in time.

Holds under a fail-closed clause, a sealed clause or the self-harm clause do not end without a decision.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.safety.audit_log import audit
from apps.safety.models import AllowedText, AppliedEffect, Case
from apps.safety.models.case_states import UNDECIDED_STATES
from apps.safety.moderation import decision_notices, reviewable
from apps.safety.policy import versions
from apps.safety.policy.evaluation import SELF_HARM, PolicyResult
from apps.safety.policy.schema import EXPORT_STAGES, SEALED_CLAUSES, Action, FailureMode, Stage

_AT_ONCE = 50  # holds per run; the next run continues


def compute_expiry(kind: str, stage: str, outcome: PolicyResult, now: datetime) -> datetime | None:
    """Return when the hold of the content ends without a decision.

    None if the content is not held, or is held until a reviewer decides.
    """
    # At an export stage the picture itself is not held.
    pictured = isinstance(reviewable.get_reviewable(kind), reviewable.Releasable) and stage not in EXPORT_STAGES
    waits = stage == Stage.QUESTION or pictured
    if outcome.action is not Action.SEND or not waits or outcome.code in _unlimited_clauses():
        return None
    return now + timedelta(hours=settings.HOLD_HOURS)


def end_expired_holds() -> int:
    """End up to 50 expired holds, notify their owners and return how many ended.

    The cases stay open. One transaction and one audit entry `case.lapsed` per hold. A periodic job of the worker.
    """
    due = Case.objects.filter(state__in=UNDECIDED_STATES, hold_expires_at__lte=timezone.now()).exclude(
        clause__in=_unlimited_clauses()
    )
    return sum(
        _end_hold(case) for case in due.select_related("snapshot", "owner").order_by("hold_expires_at")[:_AT_ONCE]
    )


def _unlimited_clauses() -> set[str]:
    """Return the clauses under which a hold never ends without a decision, by the policy in force."""
    clauses = versions.load_fresh_policy().clauses.values()
    return (
        {clause.code for clause in clauses if clause.failure_mode is FailureMode.CLOSED} | SEALED_CLAUSES | {SELF_HARM}
    )


def _is_withheld_elsewhere(case: Case) -> bool:
    """Return whether a reviewer withheld the same content, or a question with the same words, in another case."""
    same = Q(kind=case.kind, subject=case.subject)
    if case.snapshot.stage == Stage.QUESTION:
        same |= Q(decision__case__snapshot__sha256=case.snapshot.sha256)
    return AppliedEffect.objects.filter(same, name="withhold", state=AppliedEffect.State.APPLIED).exists()


def _end_hold(case: Case) -> bool:
    with transaction.atomic():
        rows = Case.objects.filter(pk=case.pk, state=case.state, hold_expires_at=case.hold_expires_at)
        if _is_withheld_elsewhere(case):
            rows.update(hold_expires_at=None)  # stays withheld by the reviewer's decision
            return False
        if not rows.update(hold_expires_at=None, hold_expired_at=timezone.now()):
            return False  # a reviewer decided meanwhile
        kind = reviewable.get_reviewable(case.kind)
        if isinstance(kind, reviewable.Releasable):
            kind.release(case.subject)
        if case.snapshot.stage == Stage.QUESTION:
            AllowedText.objects.get_or_create(sha256=case.snapshot.sha256, defaults={"case": case})
        audit.record_event("case.lapsed", user=case.owner_id, subject=f"case {case.pk}", clause=case.clause)
        decision_notices.notify_hold_ended(case)
    return True
