"""Holds that a check set end by themselves where nobody decides in time: machines may hold for a while, only people
keep. What is held under a clause that fails closed stays held until somebody decides.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.safety.audit_log import audit
from apps.safety.models import Allowance, Case, Effect
from apps.safety.models.case_states import UNDECIDED_STATES, CaseMove, CaseRole, next_state
from apps.safety.moderation import notices, reviewable
from apps.safety.policy import versions
from apps.safety.policy.evaluation import SELF_HARM, PolicyResult
from apps.safety.policy.schema import EXPORT_STAGES, SEALED_CLAUSES, Action, FailureMode, Stage

_AT_ONCE = 50  # of a sweep: the next one goes on


def compute_expiry(kind: str, stage: str, outcome: PolicyResult, now: datetime) -> datetime | None:
    """When the hold of what was found ends by itself; None where nothing waits for a decision, or it stays held."""
    pictured = (
        isinstance(reviewable.get_reviewable(kind), reviewable.Releasable) and stage not in EXPORT_STAGES
    )  # it is not held at home
    waits = stage == Stage.QUESTION or pictured
    if outcome.action is not Action.SEND or not waits or outcome.code in _unlimited_clauses():
        return None
    return now + timedelta(hours=settings.HOLD_HOURS)


def end_expired_holds() -> int:
    """What was held for too long is held no longer, its case waits on, and its person is told; how many."""
    due = Case.objects.filter(state__in=UNDECIDED_STATES, held_until__lte=timezone.now()).exclude(
        area__in=_unlimited_clauses()
    )
    return sum(_end_hold(case) for case in due.select_related("snapshot", "owner").order_by("held_until")[:_AT_ONCE])


def _unlimited_clauses() -> set[str]:
    """Return the clauses under which a hold never ends by itself, as the policy in force has them."""
    clauses = versions.load_fresh_policy().clauses.values()
    return {clause.code for clause in clauses if clause.fail is FailureMode.CLOSED} | SEALED_CLAUSES | {SELF_HARM}


def _is_withheld_elsewhere(case: Case) -> bool:
    """Whether people have withheld the same thing, or a question of the same words, in another case."""
    same = Q(kind=case.kind, subject=case.subject)
    if case.snapshot.stage == Stage.QUESTION:
        same |= Q(decision__case__snapshot__sha256=case.snapshot.sha256)
    return Effect.objects.filter(same, name="withhold", state=Effect.State.APPLIED).exists()


def _end_hold(case: Case) -> bool:
    state = next_state(case.state, CaseMove.LAPSE, CaseRole.SYSTEM)
    with transaction.atomic():
        rows = Case.objects.filter(pk=case.pk, state=case.state, held_until=case.held_until)
        if _is_withheld_elsewhere(case):
            rows.update(held_until=None)  # it stays held: people keep what they withheld
            return False
        if not rows.update(state=state, held_until=None, lapsed=timezone.now()):
            return False  # somebody decided meanwhile
        kind = reviewable.get_reviewable(case.kind)
        if isinstance(kind, reviewable.Releasable):
            kind.release(case.subject)
        if case.snapshot.stage == Stage.QUESTION:
            Allowance.objects.get_or_create(sha256=case.snapshot.sha256, defaults={"case": case})
        audit.record_event("case.lapsed", person=case.owner_id, subject=f"case {case.pk}", clause=case.area)
        notices.notify_hold_ended(case)
    return True
