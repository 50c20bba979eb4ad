"""Apply the effects of decisions, and revert them.

`revert_effects` after `apply_effects` leaves everything as it was. Both run inside the transaction of the decision;
permissions are checked by their callers (`cases`, `appeals`, `account_suspensions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.lib.db import advisory_locks
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import AllowedText, AppliedEffect, Case, Decision, FeatureRestriction
from apps.safety.moderation import reviewable
from apps.safety.policy.evaluation import ACCOUNT, REPORTED, SELF_HARM
from apps.safety.policy.schema import PICTURE_STAGES
from apps.users.accounts import LastAdministrator, reinstate_user, suspend_user
from apps.users.models import User

Outcome = Decision.Outcome
OUTCOME_EFFECTS: dict[str, tuple[str, ...]] = {
    Outcome.ALLOW: ("allow", "release"),
    Outcome.BLOCK: ("withhold", "stop"),
    Outcome.WARN: ("withhold", "stop"),
    Outcome.REDACT: ("redact",),
    Outcome.BLUR: ("release", "blur"),
    Outcome.RESTRICT: ("withhold", "stop", "restrict"),
    Outcome.SUSPEND: ("withhold", "stop", "suspend"),
    Outcome.OVERTURN: ("allow", "release"),
}
# The others are rulings on an appeal.
FIRST_OUTCOMES = (
    Outcome.ALLOW, Outcome.BLOCK, Outcome.REDACT, Outcome.BLUR, Outcome.WARN, Outcome.RESTRICT, Outcome.SUSPEND,
)  # fmt: skip
MILD_OUTCOMES = (Outcome.ALLOW, Outcome.BLOCK, Outcome.REDACT)  # outcomes that are no sanction against the owner
# A user who reported content, or who speaks of self-harm, is never sanctioned for it.
BLAMELESS_HINTS = {
    REPORTED: gettext_lazy("The user reported this content and is not to blame for it: allow it, or block it."),
    SELF_HARM: gettext_lazy("Users are never punished for talking about self-harm: allow the text, or block it."),
}


def possible_outcomes(case: Case) -> tuple[Outcome, ...]:
    """Return the outcomes of a first decision that are possible for the case.

    Sanctions are left out under blameless clauses, REDACT unless the kind is `Redactable`, and BLUR unless the case is
    about a picture.
    """
    kind = reviewable.get_reviewable(case.kind)
    ways = [one for one in FIRST_OUTCOMES if one in MILD_OUTCOMES or case.clause not in BLAMELESS_HINTS]
    if case.clause == SELF_HARM or not isinstance(kind, reviewable.Redactable):
        ways.remove(Outcome.REDACT)
    seen = case.snapshot.stage in PICTURE_STAGES and isinstance(kind, reviewable.Blurrable)
    return tuple(one for one in ways if one != Outcome.BLUR or seen)


def lock_redaction(outcome: str) -> None:
    """Lock redactions against each other and against answers that are being stored.

    Does nothing unless `outcome` is REDACT.

    An exclusive advisory lock of the transaction. Call first in the transaction of `apply_effects` or `revert_effects`.
    """
    if outcome == Outcome.REDACT:
        advisory_locks.lock_exclusive(advisory_locks.REDACTION_KEY)


def apply_effects(decision: Decision, message: str, spans: Sequence[str] = ()) -> None:
    """Apply every effect of the outcome and store what `revert_effects` needs.

    `message` replaces a withheld text; `spans` are the terms to redact. Each effect gets the audit entry
    `effect.applied`. Call inside the transaction of the decision. Raise ActionRefused if none of the terms occurs any
    more, or the last administrator would be suspended.
    """
    kind = reviewable.get_reviewable(decision.case.kind)
    for name in OUTCOME_EFFECTS.get(decision.outcome, ()):
        if decision.case.clause == ACCOUNT and name != "suspend":
            continue  # a case about an account has no text to withhold or allow
        if name == "release" and not isinstance(kind, reviewable.Releasable):
            continue  # content of this kind is never held
        before = _redact(decision, spans) if name == "redact" else _APPLY[name](decision, message)
        if name == "stop" and not before:
            continue  # no allowance had to be removed
        AppliedEffect.objects.create(
            decision=decision, name=name, kind=decision.case.kind, subject=decision.case.subject, restore_data=before
        )
        audit.record_event("effect.applied", user=decision.owner_id, subject=_audit_subject(decision.case), effect=name)


def revert_effects(decision: Decision, by: User) -> None:
    """Revert every effect of the decision, the last first.

    An effect that a later decision had too stays, and is reverted with that decision. `by` is the user who reverts.
    Each effect gets an audit entry `effect.reverted`. Call inside a transaction.
    """
    for effect in decision.effects.filter(state=AppliedEffect.State.APPLIED).order_by("-pk"):
        if (later := _find_later_effect(effect)) is None:
            _REVERT[effect.name](decision, effect.restore_data, by)
        else:
            AppliedEffect.objects.filter(pk=later.pk).update(restore_data={**later.restore_data, **effect.restore_data})
        AppliedEffect.objects.filter(pk=effect.pk).update(state=AppliedEffect.State.REVERTED)
        audit.record_event(
            "effect.reverted", user=decision.owner_id, subject=_audit_subject(decision.case), effect=effect.name
        )


def settle_reinstatement(
    kind: str, *, actor: User | None = None, user: int | None = None, subject: str = "", **payload: object
) -> None:
    """Mark the suspensions of a reinstated user as reverted, as a `users.audit_hook.AuditRecorder`.

    Otherwise notice and appeal of the old decision would refer to the user's next suspension. Ignores every event but
    `person.reinstated`.
    """
    if kind == "person.reinstated":
        stands = AppliedEffect.objects.filter(name="suspend", state=AppliedEffect.State.APPLIED, decision__owner=user)
        stands.update(state=AppliedEffect.State.REVERTED)


def _withhold(decision: Decision, message: str) -> dict[str, Any]:
    return reviewable.get_reviewable(decision.case.kind).withhold(decision.case.subject, message)


def _release(decision: Decision, message: str) -> dict[str, Any]:
    found = reviewable.get_reviewable(decision.case.kind)
    return found.release(decision.case.subject) if isinstance(found, reviewable.Releasable) else {}


def _restore(decision: Decision, before: dict[str, Any], by: User) -> None:
    if before:
        reviewable.get_reviewable(decision.case.kind).restore(decision.case.subject, before)


def _allow(decision: Decision, message: str) -> dict[str, Any]:
    sha256 = decision.case.snapshot.sha256
    row, made = AllowedText.objects.get_or_create(sha256=sha256, defaults={"decision": decision})
    return {"allowance": row.pk if made else None}


def _undo_allow(decision: Decision, before: dict[str, Any], by: User) -> None:
    if before.get("allowance"):
        AllowedText.objects.filter(pk=before["allowance"]).delete()


def _stop(decision: Decision, message: str) -> dict[str, Any]:
    """Delete the allowance of a text that passes only because its hold ended.

    Return `{}` if a reviewer allowed the text or there is no such allowance.
    """
    sha256 = decision.case.snapshot.sha256
    by_people = AppliedEffect.objects.filter(name="allow", state=AppliedEffect.State.APPLIED)
    if by_people.filter(decision__case__snapshot__sha256=sha256).exists():
        return {}
    row = AllowedText.objects.filter(sha256=sha256, decision=None).first()
    if row is None:
        return {}
    row.delete()
    return {"case": str(row.case_id)}


def _undo_stop(decision: Decision, before: dict[str, Any], by: User) -> None:
    if before:
        AllowedText.objects.get_or_create(sha256=decision.case.snapshot.sha256, defaults={"case_id": before["case"]})


def _redact(decision: Decision, spans: Sequence[str]) -> dict[str, Any]:
    kind = reviewable.get_reviewable(decision.case.kind)
    before = kind.redact(decision.case.subject, spans) if isinstance(kind, reviewable.Redactable) else {}
    if not before:
        raise ActionRefused(
            gettext("This text was not found in the content. Enter it exactly as it appears, or choose another action.")
        )
    return before


def _undo_redact(decision: Decision, before: dict[str, Any], by: User) -> None:
    kind = reviewable.get_reviewable(decision.case.kind)
    if before and isinstance(kind, reviewable.Redactable):
        kind.restore_redacted(before)


def _blur(decision: Decision, message: str) -> dict[str, Any]:
    kind = reviewable.get_reviewable(decision.case.kind)
    return kind.blur(decision.case.subject, decision.clause) if isinstance(kind, reviewable.Blurrable) else {}


def _undo_blur(decision: Decision, before: dict[str, Any], by: User) -> None:
    kind = reviewable.get_reviewable(decision.case.kind)
    if before and isinstance(kind, reviewable.Blurrable):
        kind.unblur(decision.case.subject, before)


def _restrict(decision: Decision, message: str) -> dict[str, Any]:
    if decision.owner_id is None or decision.until is None:
        return {}
    row = FeatureRestriction.objects.create(
        user_id=decision.owner_id, feature=decision.feature, until=decision.until, decision=decision
    )
    return {"restriction": row.pk}


def _undo_restrict(decision: Decision, before: dict[str, Any], by: User) -> None:
    if before:
        FeatureRestriction.objects.filter(pk=before["restriction"]).update(lifted=timezone.now())


def _suspend(decision: Decision, message: str) -> dict[str, Any]:
    owner = decision.owner
    if owner is None:
        return {"was_active": False}
    try:
        suspend_user(owner, decision.reviewer)
    except LastAdministrator as error:
        raise ActionRefused(
            gettext("This is the last administrator who can sign in, so the account cannot be suspended.")
        ) from error
    return {"was_active": owner.is_active}


def _undo_suspend(decision: Decision, before: dict[str, Any], by: User) -> None:
    owner = decision.owner
    if owner is not None and before.get("was_active"):
        reinstate_user(owner, by)


_APPLY: dict[str, Callable[[Decision, str], dict[str, Any]]] = {
    "withhold": _withhold,
    "allow": _allow,
    "release": _release,
    "stop": _stop,
    "restrict": _restrict,
    "blur": _blur,
    "suspend": _suspend,
}
_REVERT: dict[str, Callable[[Decision, dict[str, Any], User], None]] = {
    "withhold": _restore,
    "allow": _undo_allow,
    "release": _restore,
    "stop": _undo_stop,
    "restrict": _undo_restrict,
    "blur": _undo_blur,
    "redact": _undo_redact,
    "suspend": _undo_suspend,
}


def _find_later_effect(effect: AppliedEffect) -> AppliedEffect | None:
    """Return the next applied effect of the same name on the same content or user; None if there is none."""
    same = {
        "blur": Q(subject=effect.subject),
        "withhold": Q(subject=effect.subject),  # cases under two clauses, or of question and answer of one turn
        "suspend": Q(decision__owner=effect.decision.owner_id),
        "allow": Q(decision__case__snapshot__sha256=effect.decision.case.snapshot.sha256),
    }.get(effect.name)
    if same is None or (effect.name == "suspend" and effect.decision.owner_id is None):
        return None
    rows = AppliedEffect.objects.filter(same, name=effect.name, state=AppliedEffect.State.APPLIED, pk__gt=effect.pk)
    return rows.order_by("pk").first()


def _audit_subject(case: Case) -> str:
    return f"case {case.pk}"
