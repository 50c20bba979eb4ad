"""Holds that a check set end by themselves where nobody decides in time: machines may hold for a while, only people
keep. What is held under a clause that fails closed stays held until somebody decides.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.safety import audit, notices, policies, reviewable
from apps.safety.folding import SUPPORT, Outcome
from apps.safety.models import Allowance, Case, Effect
from apps.safety.policy import LEAVING, SEALED, Action, Fail, Stage
from apps.safety.transitions import LIVE, Move, Role, transition

_AT_ONCE = 50  # of a sweep: the next one goes on


def until(kind: str, stage: str, outcome: Outcome, now: datetime) -> datetime | None:
    """When the hold of what was found ends by itself; None where nothing waits for a decision, or it stays held."""
    pictured = isinstance(reviewable.of(kind), reviewable.Pictured) and stage not in LEAVING  # it is not held at home
    waits = stage == Stage.QUESTION or pictured
    if outcome.action is not Action.SEND or not waits or outcome.code in _kept():
        return None
    return now + timedelta(hours=settings.HOLD_HOURS)


def sweep() -> int:
    """What was held for too long is held no longer, its case waits on, and its person is told; how many."""
    due = Case.objects.filter(state__in=LIVE, held_until__lte=timezone.now()).exclude(area__in=_kept())
    return sum(_end(case) for case in due.select_related("snapshot", "owner").order_by("held_until")[:_AT_ONCE])


def _kept() -> set[str]:
    """Return the clauses under which a hold never ends by itself, as the policy in force has them."""
    clauses = policies.fresh().clauses.values()
    return {clause.code for clause in clauses if clause.fail is Fail.CLOSED} | SEALED | {SUPPORT}


def _withheld(case: Case) -> bool:
    """Whether people have withheld the same thing, or a question of the same words, in another case."""
    same = Q(kind=case.kind, subject=case.subject)
    if case.snapshot.stage == Stage.QUESTION:
        same |= Q(decision__case__snapshot__sha256=case.snapshot.sha256)
    return Effect.objects.filter(same, name="withhold", state=Effect.State.APPLIED).exists()


def _end(case: Case) -> bool:
    state = transition(case.state, Move.LAPSE, Role.SYSTEM)
    with transaction.atomic():
        rows = Case.objects.filter(pk=case.pk, state=case.state, held_until=case.held_until)
        if _withheld(case):
            rows.update(held_until=None)  # it stays held: people keep what they withheld
            return False
        if not rows.update(state=state, held_until=None, lapsed=timezone.now()):
            return False  # somebody decided meanwhile
        kind = reviewable.of(case.kind)
        if isinstance(kind, reviewable.Pictured):
            kind.release(case.subject)
        if case.snapshot.stage == Stage.QUESTION:
            Allowance.objects.get_or_create(sha256=case.snapshot.sha256, defaults={"case": case})
        audit.record("case.lapsed", person=case.owner_id, subject=f"case {case.pk}", clause=case.area)
        notices.lapsed(case)
    return True
