"""The review spine: flag (text frozen) · queue · claim · decide · enforce. `appeals.py` goes on from there.

A claim is one conditional update; who decides must hold the lease by its token and know the version, so that nobody
overwrites what somebody else did meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.lib import advisory, leases
from apps.safety import (
    audit,
    effects,
    holds,
    masking,
    notices,
    opinions,
    policies,
    reviewable,
    sealed,
    separation,
)
from apps.safety.check import Judged
from apps.safety.folding import Outcome, Signal
from apps.safety.intake import fingerprint, normalise
from apps.safety.models import Case, Decision, PolicyVersion, Snapshot
from apps.safety.policy import SEALED
from apps.safety.rulings import Ruling as Ruling
from apps.safety.rulings import sound as sound
from apps.safety.transitions import LIVE, Move, Refused, Role, State, transition
from apps.users.language import speaking_to
from apps.users.models import User

LEASE_S = 600.0
UNDO_S = 10
DUE_HOURS = {4: 1, 3: 24, 2: 72}  # by severity; anything milder a week
TAKEN = gettext_lazy("Somebody else has this case by now. Nothing was changed.")
WORK = (State.CLAIMED, State.APPEAL_CLAIMED)
_UNKEPT = UUID("5b1f2a0e-7c38-4c51-9d4e-2f6f0f2b9a77")  # namespace of the subjects that have no row


@dataclass(frozen=True, slots=True)
class Flagged:
    """What is to be looked at. `owner` is whose content it is."""

    kind: str
    subject: str
    stage: str
    text: str
    owner: int | None
    outcome: Outcome
    signals: Sequence[Signal] = field(default_factory=tuple)
    policy: int = 0  # number of the version that judged; 0: the one in force for its owner


def let_pass(kind: str, subject: object) -> bool:
    """Whether people have looked at this thing, and the last decision about it that stands lets it be."""
    rows = Decision.objects.filter(case__kind=kind, case__subject=str(subject), undone=None).order_by("created")
    last = rows.values_list("outcome", flat=True).last()
    return last in (Decision.Outcome.ALLOW, Decision.Outcome.OVERTURN)


def role_of(user: User) -> Role:
    if user.is_administrator:
        return Role.ADMINISTRATOR
    return Role.REVIEWER if user.is_staff else Role.OWNER


def flag(found: Flagged) -> Case:
    """A case is open for it: a new one, or the one there is, counted again. The text is frozen as it is now."""
    now = timezone.now()
    until = holds.until(found.kind, found.stage, found.outcome, now)
    with transaction.atomic():
        with suppress(IntegrityError), transaction.atomic():
            return _again(found, until) or _opened(found, until, now)
        return _again(found, until) or _opened(found, until, now)  # two readers of a link at the same moment


def _again(found: Flagged, until: datetime | None) -> Case | None:
    live = Case.objects.filter(kind=found.kind, subject=found.subject, area=found.outcome.code, state__in=LIVE)
    if (old := live.first()) is not None:
        Case.objects.filter(pk=old.pk).update(times=F("times") + 1)
        if until and isinstance(reviewable.of(found.kind), reviewable.Pictured):  # held anew after a hold ended
            Case.objects.filter(pk=old.pk, held_until=None).update(held_until=until, lapsed=None)
    return old


def _opened(found: Flagged, until: datetime | None, now: datetime) -> Case:
    clause = found.outcome.code
    # What stands around it need not say whose number or mailbox it was; the flagged text itself stays as it is. Names
    # are masked where it is read: a model must not run while this transaction is open.
    around = [
        {"label": turn.label, "text": masking.mask_forms(turn.text)}
        for turn in reviewable.of(found.kind).around(found.subject)
        if clause in SEALED or not turn.sealed
    ]
    text = normalise(found.text)
    snapshot = Snapshot.objects.create(
        stage=found.stage, text=text, sha256=fingerprint(text), context=around,
        signals=[signal.row() for signal in found.signals], action=found.outcome.action or "", code=clause,
        score=found.outcome.score, level=found.outcome.level,
        policy=policies.row(found.policy) or policies.live(),
    )  # fmt: skip
    due = now + timedelta(hours=DUE_HOURS.get(found.outcome.severity, 168))
    case = Case.objects.create(
        kind=found.kind, subject=found.subject, area=clause, owner_id=found.owner, snapshot=snapshot,
        severity=found.outcome.severity, due=min(due, until or due), held_until=until,
    )  # fmt: skip
    audit.record("case.opened", person=found.owner, subject=f"case {case.pk}", clause=clause)
    notices.held(case)
    return case


def flag_judged(kind: str, subject: object, owner: int | None, judged: Judged | None) -> None:
    """A case is open for what was judged, where the policy asks for people. Call inside the transaction that keeps what
    follows from it."""
    if judged is not None and judged.outcome.reviewed:
        flag(
            Flagged(kind, str(subject), judged.stage, judged.text, owner, judged.outcome, judged.signals, judged.policy)
        )


def flag_unkept(kind: str, person: int, judged: Judged | None) -> None:
    """Open a case of a text that has no row, where the policy asks for people. The same text of the same person is one
    case, however often it is sent."""
    if judged is not None and judged.outcome.reviewed:
        digest = hashlib.sha256(judged.text.encode("utf-8", "surrogatepass")).hexdigest()
        flag_judged(kind, uuid5(_UNKEPT, f"{person} {judged.stage} {digest}"), person, judged)


def queue(user: User) -> QuerySet[Case]:
    """All that this person may look at: nothing for those who do not review, what is about themselves only where nobody
    else could decide it, and sealed cases only for those who are named for them."""
    if not user.is_staff or not user.is_active:
        return Case.objects.none()
    rows = Case.objects.filter(~Q(owner=user) | Q(owner=None) | separation.own_cases(user))
    return sealed.opened(rows, user).select_related("snapshot", "holder")


def may_claim(user: User, case: Case) -> bool:
    """Return whether this person may claim the case as it is now: not an appeal against their own decision while
    somebody else could decide it, and no escalated case without being an administrator."""
    if case.escalated and not user.is_administrator:
        return False
    if case.state not in (State.APPEALED, State.APPEAL_CLAIMED):
        return True
    return not is_first(user, case) or not separation.has_other_reviewer(case, user.pk)


def is_first(user: User, case: Case) -> bool:
    """Return whether this person made the last decision that stands."""
    return _first(case).reviewer_id == user.pk


def claim(user: User, pk: Any) -> Case:
    """The case is this person's for ten minutes. Raises Refused."""
    case = _case(user, pk)
    now = timezone.now()
    move_to = transition(case.state, Move.CLAIM, role_of(user), case.escalated)
    if case.state in WORK and case.holder_id == user.pk and case.lease_until and case.lease_until > now:
        return case
    if not may_claim(user, case):
        raise Refused(gettext("An appeal is decided by somebody else than the first decision."))
    with transaction.atomic():
        rows = Case.objects.filter(state=case.state, version=case.version)
        if leases.claim(rows, case.pk, LEASE_S, state=move_to, holder=user) is None:
            raise Refused(TAKEN)
        audit.record("case.claimed", actor=user, person=case.owner_id, subject=f"case {case.pk}")
    return _case(user, pk)


def look(user: User, pk: Any) -> Case:
    """The case with its text. That it was read is recorded, and the person it is about can see that."""
    case = _case(user, pk)
    seen = {"why": "review", "clause": case.area, "thing": case.kind}
    audit.record("read", actor=user, person=case.owner_id, subject=f"case {case.pk}", **seen)
    return case


def leave(user: User, pk: Any, token: str, move: Move, why: str = "") -> Case:
    """Released, skipped or escalated, with the reason kept. Raises Refused."""
    case = _case(user, pk)
    state = transition(case.state, move, role_of(user), case.escalated)
    if move is not Move.RELEASE and not why.strip():
        raise Refused(gettext("Say why, so that the next one need not start from nothing."))
    with transaction.atomic():
        kept = case.escalated or move is Move.ESCALATE
        if not leases.release(_held(case), case.pk, token, state=state, holder=None, escalated=kept):
            raise Refused(TAKEN)
        audit.record(f"case.{move}", actor=user, person=case.owner_id, subject=f"case {case.pk}", why=why[:400])
    return _case(user, pk)


@advisory.unbroken
def decide(user: User, pk: Any, ruling: Ruling) -> Decision:
    """The decision stands, everything that it means is done, and the person is told: all or nothing. Raises Refused."""
    case = _case(user, pk)
    sound(ruling)
    if ruling.outcome not in effects.possible(case):
        raise Refused(str(effects.BLAMELESS.get(case.area) or gettext("That cannot be done with this case.")))
    if not case.snapshot.readable and ruling.outcome != Decision.Outcome.ALLOW:
        raise Refused(gettext("What cannot be read can only be allowed."))
    state = transition(case.state, Move.DECIDE, role_of(user), case.escalated)
    with transaction.atomic():
        effects.meet_answers(ruling.outcome)
        decision = settle(user, case, ruling, state)
        with speaking_to(decision.owner):
            spans = masking.expand(ruling.extent.spans, case.snapshot.words)
            effects.apply(decision, policies.words(decision.clause), spans)
        notices.decided(decision)
        opinions.draw(decision)
    return decision


def settle(user: User, case: Case, ruling: Ruling, state: State, first: Decision | None = None) -> Decision:
    """The case moves on and the decision is written, where token and version still hold. Raises Refused."""
    now, version = timezone.now(), F("version") + 1
    rows = _held(case).filter(version=ruling.version, holder=user, lease_until__gt=now)
    if not leases.release(rows, case.pk, ruling.token, state=state, version=version):
        raise Refused(TAKEN)
    policy = policies.live()
    alone = user.pk in (case.owner_id, first.reviewer_id if first else None)  # `queue` and `appeals` know why
    said = {"self_approved": True} if alone else {}
    try:
        with transaction.atomic():
            decision = Decision.objects.create(
                case=case, case_version=ruling.version, reviewer=user, owner_id=case.owner_id, outcome=ruling.outcome,
                clause=case.area, policy=policy, reason=ruling.reason, note=ruling.note[:1000],
                feature=ruling.feature, until=ruling.until,
                first_reviewer_id=first.reviewer_id if first else None, batch=ruling.batch, self_approved=alone,
            )  # fmt: skip
    except IntegrityError as error:
        raise Refused(TAKEN) from error
    audit.record(
        "case.decided", actor=user, person=case.owner_id, subject=f"case {case.pk}", outcome=ruling.outcome,
        clause=case.area, policy=policy.sha256, reason=ruling.reason, **said,
    )  # fmt: skip
    return decision


def undo(user: User, pk: Any, within_s: int = UNDO_S) -> Case:
    """A decision of the last seconds is taken back, with everything that it did. Raises Refused."""
    case = _case(user, pk)
    state = transition(case.state, Move.UNDO, role_of(user))
    decision = _first(case)
    since = timezone.now() - timedelta(seconds=within_s)
    if decision.reviewer_id != user.pk or decision.created < since:
        raise Refused(gettext("Only your own decision can be undone, within ten seconds."))
    with transaction.atomic():
        _take_back(user, case, decision, state)
        decision.notices.all().delete()
        opinions.Opinion.objects.filter(decision=decision, given=None).delete()
        audit.record("case.undone", actor=user, person=case.owner_id, subject=f"case {case.pk}")
    return _case(user, pk)


def reopen(user: User, pk: Any) -> Case:
    """A disputed decision is taken back, and an administrator who did not make it holds the case. Raises Refused."""
    case = _case(user, pk)
    state = transition(case.state, Move.REOPEN, role_of(user))
    decision = _first(case)
    if decision.reviewer_id == user.pk and separation.has_other_administrator(user.pk, case.owner_id):
        raise Refused(gettext("Somebody else than who decided it opens it again."))
    if not opinions.disputed().filter(decision=decision).exists():
        raise Refused(gettext("Only a decision that a second look found wrong is opened again."))
    try:
        with transaction.atomic():
            _take_back(user, case, decision, state)
            audit.record("case.reopened", actor=user, person=case.owner_id, subject=f"case {case.pk}")
    except IntegrityError as error:
        raise Refused(gettext("The same thing has an open case by now. Decide that one.")) from error
    return _case(user, pk)


def second(user: User, pk: Any, token: str) -> None:
    """The case is back in the queue, and somebody else is asked what they think. Raises Refused."""
    case = _case(user, pk)
    with transaction.atomic():
        leave(user, pk, token, Move.RELEASE)
        opinions.ask(user, case)
        audit.record("case.second", actor=user, person=case.owner_id, subject=f"case {case.pk}")


def sweep() -> int:
    """Cases whose reviewer went away are in the queue again; how many."""
    back = 0
    for case in leases.expired(Case.objects.filter(state__in=WORK)):
        state = transition(case.state, Move.EXPIRE, Role.SYSTEM, case.escalated)
        with transaction.atomic():
            rows = Case.objects.filter(state=case.state, lease_until__lt=timezone.now())
            if leases.release(rows, case.pk, case.lease_token, state=state, holder=None):
                audit.record("case.expired", person=case.owner_id, subject=f"case {case.pk}")
                back += 1
    return back


def policy_of(case: Case) -> PolicyVersion:
    """What held when the text was judged."""
    return case.snapshot.policy or policies.live()


def _case(user: User, pk: Any) -> Case:
    case = queue(user).filter(pk=pk).first()
    if case is None:
        raise Refused(gettext("There is no such case."))
    return case


def _take_back(user: User, case: Case, decision: Decision, state: State) -> None:
    effects.meet_answers(decision.outcome)
    moved = Case.objects.filter(pk=case.pk, state=State.DECIDED, version=case.version)
    if leases.claim(moved, case.pk, LEASE_S, state=state, holder=user, version=F("version") + 1) is None:
        raise Refused(TAKEN)
    effects.revert(decision, user)
    Decision.objects.filter(pk=decision.pk).update(undone=timezone.now())


def _held(case: Case) -> QuerySet[Case]:
    return Case.objects.filter(Q(state__in=WORK), state=case.state)


def _first(case: Case) -> Decision:
    """The last decision that stands."""
    return case.decisions.filter(undone=None).latest("created")
