"""Open cases, claim them and decide them.

The order is: `flag_content` (the text is frozen), `claim_case`, `read_case`, `decide_case`. Then follow the effects
(`enforcement`) and appeals (`appeals`).

A claim is one conditional update. A reviewer who decides must hold the lease by its token and know the version of the
case. So no change of another reviewer is overwritten.
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

from apps.lib.db import advisory_locks, leases
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import Case, Decision, PolicyVersion, Snapshot
from apps.safety.models.case_states import (
    UNDECIDED_STATES,
    WAITING_STATES,
    CaseMove,
    CaseRole,
    CaseState,
    next_state,
)
from apps.safety.models.second_review import SecondReview
from apps.safety.moderation import (
    decision_notices,
    enforcement,
    masking,
    reviewable,
    sealed_cases,
    second_reviews,
    temporary_holds,
)
from apps.safety.moderation.decision_input import DecisionInput, validate_input
from apps.safety.policy import separation_of_duties, versions
from apps.safety.policy.evaluation import PolicyResult, Signal
from apps.safety.policy.schema import SEALED_CLAUSES
from apps.safety.policy.verdicts import EvaluationRecord
from apps.safety.text.normalization import hash_text, normalise
from apps.users.i18n import use_language_of
from apps.users.models import User

LEASE_S = 600.0
UNDO_S = 10
SEVERE_FROM = 3  # severity, 0 to 4, from which on content is covered until the reviewer opens it
DUE_HOURS = {4: 1, 3: 24, 2: 72}  # by severity; 168 hours for milder ones
CASE_TAKEN = gettext_lazy("Another reviewer has claimed this case. Nothing was changed.")
CLAIMED_STATES = (CaseState.CLAIMED, CaseState.APPEAL_CLAIMED)
_UNKEPT = UUID("5b1f2a0e-7c38-4c51-9d4e-2f6f0f2b9a77")  # namespace of the subjects of texts that have no row


@dataclass(frozen=True, slots=True)
class FlaggedContent:
    """Content to be reviewed. `owner_id` is the id of the user whose content it is."""

    kind: str
    subject: str
    stage: str
    text: str
    owner_id: int | None
    result: PolicyResult
    signals: Sequence[Signal] = field(default_factory=tuple)
    policy_number: int = 0  # number of the policy version that judged; 0: the live one


def is_allowed(kind: str, subject: object) -> bool:
    """Return whether the last standing decision about the content allows it. False without a decision."""
    rows = Decision.objects.filter(case__kind=kind, case__subject=str(subject), undone=None).order_by("created")
    last = rows.values_list("outcome", flat=True).last()
    return last in (Decision.Outcome.ALLOW, Decision.Outcome.OVERTURN)


def get_role(user: User) -> CaseRole:
    """Return the role of the user towards cases: administrator, reviewer (other staff) or owner."""
    if user.is_administrator:
        return CaseRole.ADMINISTRATOR
    return CaseRole.REVIEWER if user.is_staff else CaseRole.OWNER


def flag_content(content: FlaggedContent) -> Case:
    """Open a case for the content and return it; count again the undecided case it already has.

    The text is normalised and frozen as it is now. The case, the audit entry `case.opened` and the notice to the owner
    are one transaction.
    """
    now = timezone.now()
    until = temporary_holds.compute_expiry(content.kind, content.stage, content.result, now)
    with transaction.atomic():
        with suppress(IntegrityError), transaction.atomic():
            return _flag_again(content, until) or _open_case(content, until, now)
        return _flag_again(content, until) or _open_case(
            content, until, now
        )  # another request opened the case meanwhile


def _flag_again(content: FlaggedContent, until: datetime | None) -> Case | None:
    undecided = Case.objects.filter(
        kind=content.kind, subject=content.subject, clause=content.result.code, state__in=UNDECIDED_STATES
    )
    if (case := undecided.first()) is not None:
        Case.objects.filter(pk=case.pk).update(report_count=F("report_count") + 1)
        if until and isinstance(
            reviewable.get_reviewable(content.kind), reviewable.Releasable
        ):  # held anew after a hold ended
            Case.objects.filter(pk=case.pk, hold_expires_at=None).update(hold_expires_at=until, hold_expired_at=None)
    return case


def _open_case(content: FlaggedContent, until: datetime | None, now: datetime) -> Case:
    clause = content.result.code
    # Personal data in the context is masked before it is stored; the flagged text itself is stored unchanged. Names
    # are masked when the case is read: a model must not run while this transaction is open.
    context = [
        {"label": turn.label, "text": masking.mask_forms(turn.text)}
        for turn in reviewable.get_reviewable(content.kind).context(content.subject)
        if clause in SEALED_CLAUSES or not turn.sealed
    ]
    text = normalise(content.text)
    snapshot = Snapshot.objects.create(
        stage=content.stage,
        text=text,
        sha256=hash_text(text),
        context=context,
        signals=[signal.to_json() for signal in content.signals],
        action=content.result.action or "",
        code=clause,
        score=content.result.score,
        strictness=content.result.strictness,
        policy=versions.get_version(content.policy_number) or versions.get_live_version(),
    )
    due = now + timedelta(hours=DUE_HOURS.get(content.result.severity, 168))
    case = Case.objects.create(
        kind=content.kind,
        subject=content.subject,
        clause=clause,
        owner_id=content.owner_id,
        snapshot=snapshot,
        severity=content.result.severity,
        due_at=min(due, until or due),
        hold_expires_at=until,
    )
    audit.record_event("case.opened", user=content.owner_id, subject=f"case {case.pk}", clause=clause)
    decision_notices.notify_held(case)
    return case


def flag_evaluated(kind: str, subject: object, owner_id: int | None, evaluation: EvaluationRecord | None) -> None:
    """Open a case for a judged text if the policy requires review.

    `evaluation` None: nothing was found. Call inside the transaction that stores the content.
    """
    if evaluation is not None and evaluation.result.reviewed:
        flag_content(
            FlaggedContent(
                kind,
                str(subject),
                evaluation.stage,
                evaluation.text,
                owner_id,
                evaluation.result,
                evaluation.signals,
                evaluation.policy_number,
            )
        )


def flag_unstored(kind: str, user_id: int, evaluation: EvaluationRecord | None) -> None:
    """Open a case for a text that has no row, if the policy requires review.

    `user_id` is the id of the user who wrote it. Equal texts of one user at one stage share one case.
    """
    if evaluation is not None and evaluation.result.reviewed:
        digest = hashlib.sha256(evaluation.text.encode("utf-8", "surrogatepass")).hexdigest()
        flag_evaluated(kind, uuid5(_UNKEPT, f"{user_id} {evaluation.stage} {digest}"), user_id, evaluation)


def is_covered(severity: int) -> bool:
    """Return whether content of the severity is left out of a reviewer's page until the reviewer opens it."""
    return severity >= SEVERE_FROM


def visible_cases(user: User) -> QuerySet[Case]:
    """Return the cases that the user may see, with snapshot and holder.

    No case for users who do not review. Cases about the user themselves only if no other user could decide. Sealed
    cases only for users named for sealed cases.
    """
    if not user.is_staff or not user.is_active:
        return Case.objects.none()
    rows = Case.objects.filter(~Q(owner=user) | Q(owner=None) | separation_of_duties.own_cases(user))
    return sealed_cases.filter_readable(rows, user).select_related("snapshot", "holder")


def claimable_cases(user: User) -> QuerySet[Case]:
    """Return the cases that wait for the user: all waiting ones except those that another reviewer holds, and escalated
    ones if the user is no administrator.

    Claims of the user and expired ones count, so that their number changes only by what is sent in or decided.
    """
    rows = visible_cases(user).filter(state__in=WAITING_STATES)
    if not user.is_administrator:
        rows = rows.filter(escalated=False)
    return rows.exclude(Q(state__in=CLAIMED_STATES, lease_until__gt=timezone.now()) & ~Q(holder=user))


def can_claim(user: User, case: Case) -> bool:
    """Return whether the user may claim the case in its present state.

    False for an escalated case unless the user is an administrator. False for an appeal against the user's own decision
    while another reviewer could decide.
    """
    if case.escalated and not user.is_administrator:
        return False
    if case.state not in (CaseState.APPEALED, CaseState.APPEAL_CLAIMED):
        return True
    return not is_last_decider(user, case) or not separation_of_duties.has_other_reviewer(case, user.pk)


def is_last_decider(user: User, case: Case) -> bool:
    """Return whether the user made the last standing decision of the case."""
    return _last_decision(case).reviewer_id == user.pk


def claim_case(user: User, pk: Any) -> Case:
    """Claim the case for ten minutes and return it.

    Returns the case unchanged if the user holds it already. The claim and the audit entry `case.claimed` are one
    transaction. Raise ActionRefused if the user may not see or claim the case, or another reviewer has it.
    """
    case = _get_case(user, pk)
    now = timezone.now()
    move_to = next_state(case.state, CaseMove.CLAIM, get_role(user), case.escalated)
    if case.state in CLAIMED_STATES and case.holder_id == user.pk and case.lease_until and case.lease_until > now:
        return case
    if not can_claim(user, case):
        raise ActionRefused(
            gettext("An appeal has to be decided by a reviewer other than the one who made the first decision.")
        )
    with transaction.atomic():
        rows = Case.objects.filter(state=case.state, version=case.version)
        if leases.claim(rows, case.pk, LEASE_S, state=move_to, holder=user) is None:
            raise ActionRefused(CASE_TAKEN)
        audit.record_event("case.claimed", actor=user, user=case.owner_id, subject=f"case {case.pk}")
    return _get_case(user, pk)


def renew_claim(user: User, pk: Any, token: str) -> str:
    """Extend the claim to ten minutes from now and return its token.

    The token is new if the claim had expired and the case was still free. Raise ActionRefused if another reviewer has
    the case.
    """
    rows = visible_cases(user).filter(state__in=CLAIMED_STATES, holder=user, lease_until__gt=timezone.now())
    if leases.renew(rows, pk, token, LEASE_S):
        return token
    return claim_case(user, pk).lease_token


def read_case(user: User, pk: Any) -> Case:
    """Return the case with its text and write the audit entry `read`, which the owner can see.

    Raise ActionRefused if the user may not see the case.
    """
    case = _get_case(user, pk)
    seen = {"why": "review", "clause": case.clause, "thing": case.kind}
    audit.record_event("read", actor=user, user=case.owner_id, subject=f"case {case.pk}", **seen)
    return case


def release_case(user: User, pk: Any, token: str, move: CaseMove, note: str = "") -> Case:
    """Release, skip or escalate (`move`) a case that the user holds by `token`, and return it.

    `note` is cut to 400 characters, kept in the audit entry, and required unless `move` is RELEASE. Change and audit
    entry are one transaction. Raise ActionRefused if the reason is missing or the claim was lost.
    """
    case = _get_case(user, pk)
    state = next_state(case.state, move, get_role(user), case.escalated)
    if move is not CaseMove.RELEASE and not note.strip():
        raise ActionRefused(gettext("Write why, so that the next reviewer knows what you found."))
    with transaction.atomic():
        kept = case.escalated or move is CaseMove.ESCALATE
        if not leases.release(_claimed_rows(case), case.pk, token, state=state, holder=None, escalated=kept):
            raise ActionRefused(CASE_TAKEN)
        audit.record_event(f"case.{move}", actor=user, user=case.owner_id, subject=f"case {case.pk}", why=note[:400])
    return _get_case(user, pk)


def release_claim(user: User, case_id: str) -> bool:
    """Release the case that the page opened after a decision which was then undone; return whether it was released.

    Return False if `case_id`, which the page sent, is no id, or the user does not hold that case.
    """
    try:
        pk = UUID(case_id)
    except ValueError:
        return False
    case = visible_cases(user).filter(pk=pk, state__in=CLAIMED_STATES, holder=user).first()
    if case is None:
        return False
    with suppress(ActionRefused):
        release_case(user, pk, case.lease_token, CaseMove.RELEASE)
        return True
    return False


@advisory_locks.retry_on_deadlock
def decide_case(user: User, pk: Any, ruling: DecisionInput) -> Decision:
    """Decide the case, apply the effects, notify the owner and return the decision.

    One transaction with the audit entries `case.decided` and `effect.applied`; also queues a second review if the
    decision is sampled. Retried on a deadlock. Raise ActionRefused if the user may not see the case, the input is
    incomplete or the outcome is not possible. So it does if the claim was lost or the case changed.
    """
    case = _get_case(user, pk)
    validate_input(ruling)
    if ruling.outcome not in enforcement.possible_outcomes(case):
        raise ActionRefused(
            str(enforcement.BLAMELESS_HINTS.get(case.clause) or gettext("This action is not possible for this case."))
        )
    if not case.snapshot.readable and ruling.outcome != Decision.Outcome.ALLOW:
        raise ActionRefused(gettext("The text of this case cannot be read, so it can only be allowed."))
    state = next_state(case.state, CaseMove.DECIDE, get_role(user), case.escalated)
    with transaction.atomic():
        enforcement.lock_redaction(ruling.outcome)
        decision = record_decision(user, case, ruling, state)
        with use_language_of(decision.owner):
            spans = masking.expand_placeholders(ruling.redact_terms, case.snapshot.readable_text)
            enforcement.apply_effects(decision, versions.withheld_text(decision.clause), spans)
        decision_notices.notify_decision(decision)
        second_reviews.queue_if_sampled(decision)
    return decision


def record_decision(
    user: User, case: Case, ruling: DecisionInput, state: CaseState, first: Decision | None = None
) -> Decision:
    """Move the case to `state` and store the decision, if token and version still hold.

    `first` is the appealed decision. A decision about the user's own content or decision is stored as self-approved.
    Writes `case.decided` to the audit log. Call within the transaction of the effects. Raise ActionRefused if claim or
    version are outdated, or if a reviewer would suspend an administrator.
    """
    if ruling.outcome == Decision.Outcome.SUSPEND and case.owner is not None and case.owner.is_administrator:
        separation_of_duties.require_administrator(user)
    now, version = timezone.now(), F("version") + 1
    rows = _claimed_rows(case).filter(version=ruling.version, holder=user, lease_until__gt=now)
    if not leases.release(rows, case.pk, ruling.token, state=state, version=version):
        raise ActionRefused(CASE_TAKEN)
    policy = versions.get_live_version()
    # The callers checked that no other reviewer could decide.
    alone = user.pk in (case.owner_id, first.reviewer_id if first else None)
    payload = {"self_approved": True} if alone else {}
    try:
        with transaction.atomic():
            decision = Decision.objects.create(
                case=case, case_version=ruling.version, reviewer=user, owner_id=case.owner_id, outcome=ruling.outcome,
                clause=case.clause, policy=policy, reason=ruling.reason, note=ruling.note[:1000],
                feature=ruling.restricted_feature, until=ruling.until, batch=ruling.batch, self_approved=alone,
                first_reviewer_id=first.reviewer_id if first else None,
            )  # fmt: skip
    except IntegrityError as error:
        raise ActionRefused(CASE_TAKEN) from error
    audit.record_event(
        "case.decided", actor=user, user=case.owner_id, subject=f"case {case.pk}", outcome=ruling.outcome,
        clause=case.clause, policy=policy.sha256, reason=ruling.reason, **payload,
    )  # fmt: skip
    return decision


def undo_decision(user: User, pk: Any, within_s: int = UNDO_S) -> Case:
    """Undo the user's own decision of the last `within_s` seconds with all its effects, and return the case.

    The user holds the case again; its notices and pending second reviews are deleted. One transaction with the audit
    entry `case.undone`. Raise ActionRefused if the decision is another user's or older, or the case has changed.
    """
    case = _get_case(user, pk)
    state = next_state(case.state, CaseMove.UNDO, get_role(user))
    decision = _last_decision(case)
    since = timezone.now() - timedelta(seconds=within_s)
    if decision.reviewer_id != user.pk or decision.created < since:
        raise ActionRefused(gettext("You can only undo your own decision, within ten seconds."))
    with transaction.atomic():
        _revert_decision(user, case, decision, state)
        decision.notices.all().delete()
        SecondReview.objects.filter(decision=decision, submitted=None).delete()
        audit.record_event("case.undone", actor=user, user=case.owner_id, subject=f"case {case.pk}")
    return _get_case(user, pk)


def reopen_case(user: User, pk: Any) -> Case:
    """Undo a decision that a second review disputes; the administrator holds the case.

    Only an administrator who did not make the decision, unless no other administrator can sign in. One transaction with
    the audit entry `case.reopened`. Raise ActionRefused if the user may not, no second review disputes the decision, or
    the content has another open case.
    """
    case = _get_case(user, pk)
    state = next_state(case.state, CaseMove.REOPEN, get_role(user))
    decision = _last_decision(case)
    if decision.reviewer_id == user.pk and separation_of_duties.has_other_administrator(user.pk, case.owner_id):
        raise ActionRefused(gettext("An administrator other than the one who decided has to reopen the case."))
    if not second_reviews.disputed_reviews().filter(decision=decision).exists():
        raise ActionRefused(gettext("A case can be reopened only if a second review disagreed with the decision."))
    try:
        with transaction.atomic():
            _revert_decision(user, case, decision, state)
            audit.record_event("case.reopened", actor=user, user=case.owner_id, subject=f"case {case.pk}")
    except IntegrityError as error:
        raise ActionRefused(
            gettext("There is already an open case about the same content. Decide that one.")
        ) from error
    return _get_case(user, pk)


def request_second_review(user: User, pk: Any, token: str) -> None:
    """Release the case and queue a second review of it by another reviewer.

    The user must hold the case by `token`. One transaction with the audit entries `case.release` and `case.second`.
    Raise ActionRefused if the claim was lost or the clause is sealed.
    """
    case = _get_case(user, pk)
    with transaction.atomic():
        release_case(user, pk, token, CaseMove.RELEASE)
        second_reviews.request_review(user, case)
        audit.record_event("case.second", actor=user, user=case.owner_id, subject=f"case {case.pk}")


def release_expired_claims() -> int:
    """Put the cases whose claim expired back into the queue and return how many.

    One transaction and one audit entry `case.expired` per case. The queue page calls it.
    """
    back = 0
    for case in leases.list_expired(Case.objects.filter(state__in=CLAIMED_STATES)):
        state = next_state(case.state, CaseMove.CLAIM_EXPIRED, CaseRole.SYSTEM, case.escalated)
        with transaction.atomic():
            rows = Case.objects.filter(state=case.state, lease_until__lt=timezone.now())
            if leases.release(rows, case.pk, case.lease_token, state=state, holder=None):
                audit.record_event("case.expired", user=case.owner_id, subject=f"case {case.pk}")
                back += 1
    return back


def get_policy_version(case: Case) -> PolicyVersion:
    """Return the policy version that judged the text; the live one if none is recorded."""
    return case.snapshot.policy or versions.get_live_version()


def _get_case(user: User, pk: Any) -> Case:
    case = visible_cases(user).filter(pk=pk).first()
    if case is None:
        raise ActionRefused(gettext("Case not found."))
    return case


def _revert_decision(user: User, case: Case, decision: Decision, state: CaseState) -> None:
    enforcement.lock_redaction(decision.outcome)
    moved = Case.objects.filter(pk=case.pk, state=CaseState.DECIDED, version=case.version)
    if leases.claim(moved, case.pk, LEASE_S, state=state, holder=user, version=F("version") + 1) is None:
        raise ActionRefused(CASE_TAKEN)
    enforcement.revert_effects(decision, user)
    Decision.objects.filter(pk=decision.pk).update(undone=timezone.now())


def _claimed_rows(case: Case) -> QuerySet[Case]:
    return Case.objects.filter(Q(state__in=CLAIMED_STATES), state=case.state)


def _last_decision(case: Case) -> Decision:
    """Return the last standing decision. Raise DoesNotExist if there is none."""
    return case.decisions.filter(undone=None).latest("created")
