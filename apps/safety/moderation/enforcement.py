"""What decisions do, each with its way back: `revert` after `apply` leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.lib.db import advisory_locks
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import Allowance, Case, Decision, Effect, Restriction
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
MILD_OUTCOMES = (Outcome.ALLOW, Outcome.BLOCK, Outcome.REDACT)  # nobody is blamed by them
# Who reported something is not to blame for it, and who speaks of hurting themselves is helped, never punished.
BLAMELESS_HINTS = {
    REPORTED: gettext_lazy("It was reported by its reader, who is not to blame for it: allow it, or withhold it."),
    SELF_HARM: gettext_lazy("Who speaks of hurting themselves is never punished for it: allow it, or withhold it."),
}


def possible_outcomes(case: Case) -> tuple[Outcome, ...]:
    """What a first decision about it can be."""
    kind = reviewable.get_reviewable(case.kind)
    ways = [one for one in FIRST_OUTCOMES if one in MILD_OUTCOMES or case.area not in BLAMELESS_HINTS]
    if case.area == SELF_HARM or not isinstance(kind, reviewable.Redactable):
        ways.remove(Outcome.REDACT)
    seen = case.snapshot.stage in PICTURE_STAGES and isinstance(kind, reviewable.Blurrable)
    return tuple(one for one in ways if one != Outcome.BLUR or seen)


def lock_redaction(outcome: str) -> None:
    """Answers that are being stored are seen, or see it, where something is taken out or put back. Call it first in the
    transaction of `apply` or `revert`."""
    if outcome == Outcome.REDACT:
        advisory_locks.lock_exclusive(advisory_locks.REDACTION_KEY)


def apply_effects(decision: Decision, words: str, spans: Sequence[str] = ()) -> None:
    """Everything that the outcome means is done. Call inside the transaction of the decision. Raises Refused."""
    kind = reviewable.get_reviewable(decision.case.kind)
    for name in OUTCOME_EFFECTS.get(decision.outcome, ()):
        if decision.case.area == ACCOUNT and name != "suspend":
            continue  # no text stands behind it that could be withheld or allowed
        if name == "release" and not isinstance(kind, reviewable.Releasable):
            continue  # nothing of it is held before it is seen
        before = _redact(decision, spans) if name == "redact" else _APPLY[name](decision, words)
        if name == "stop" and not before:
            continue  # it did not pass anyway
        Effect.objects.create(
            decision=decision, name=name, kind=decision.case.kind, subject=decision.case.subject, before=before
        )
        audit.record_event(
            "effect.applied", person=decision.owner_id, subject=_audit_subject(decision.case), effect=name
        )


def revert_effects(decision: Decision, by: User) -> None:
    """Everything that the decision did is undone, the last first. What a later decision did too stays done, and is
    undone with that one. `by` is who takes it back."""
    for effect in decision.effects.filter(state=Effect.State.APPLIED).order_by("-pk"):
        if (later := _find_later_effect(effect)) is None:
            _REVERT[effect.name](decision, effect.before, by)
        else:
            Effect.objects.filter(pk=later.pk).update(before={**later.before, **effect.before})
        Effect.objects.filter(pk=effect.pk).update(state=Effect.State.REVERTED)
        audit.record_event(
            "effect.reverted", person=decision.owner_id, subject=_audit_subject(decision.case), effect=effect.name
        )


def settle_reinstatement(
    kind: str, *, actor: User | None = None, person: int | None = None, subject: str = "", **payload: object
) -> None:
    """A `recording.Recorder`: of who is reinstated, on whichever page, no earlier decision suspends them any more; else
    its notice and its appeal would speak of the next suspension, which may not be a reviewer's."""
    if kind == "person.reinstated":
        stands = Effect.objects.filter(name="suspend", state=Effect.State.APPLIED, decision__owner=person)
        stands.update(state=Effect.State.REVERTED)


def _withhold(decision: Decision, words: str) -> dict[str, Any]:
    return reviewable.get_reviewable(decision.case.kind).withhold(decision.case.subject, words)


def _release(decision: Decision, words: str) -> dict[str, Any]:
    found = reviewable.get_reviewable(decision.case.kind)
    return found.release(decision.case.subject) if isinstance(found, reviewable.Releasable) else {}


def _undo_release(decision: Decision, before: dict[str, Any], by: User) -> None:
    if before:
        _undo_withhold(decision, before, by)


def _undo_withhold(decision: Decision, before: dict[str, Any], by: User) -> None:
    reviewable.get_reviewable(decision.case.kind).give_back(decision.case.subject, before)


def _allow(decision: Decision, words: str) -> dict[str, Any]:
    sha256 = decision.case.snapshot.sha256
    row, made = Allowance.objects.get_or_create(sha256=sha256, defaults={"decision": decision})
    return {"allowance": row.pk if made else None}


def _undo_allow(decision: Decision, before: dict[str, Any], by: User) -> None:
    if before.get("allowance"):
        Allowance.objects.filter(pk=before["allowance"]).delete()


def _stop(decision: Decision, words: str) -> dict[str, Any]:
    """What passes only because a hold of it ended by itself passes no longer: a person has decided otherwise."""
    sha256 = decision.case.snapshot.sha256
    by_people = Effect.objects.filter(name="allow", state=Effect.State.APPLIED)
    if by_people.filter(decision__case__snapshot__sha256=sha256).exists():
        return {}
    row = Allowance.objects.filter(sha256=sha256, decision=None).first()
    if row is None:
        return {}
    row.delete()
    return {"case": str(row.case_id)}


def _undo_stop(decision: Decision, before: dict[str, Any], by: User) -> None:
    if before:
        Allowance.objects.get_or_create(sha256=decision.case.snapshot.sha256, defaults={"case_id": before["case"]})


def _redact(decision: Decision, spans: Sequence[str]) -> dict[str, Any]:
    kind = reviewable.get_reviewable(decision.case.kind)
    before = kind.cut(decision.case.subject, spans) if isinstance(kind, reviewable.Redactable) else {}
    if not before:
        raise ActionRefused(gettext("None of that stands there any more. Name what does, or decide otherwise."))
    return before


def _undo_redact(decision: Decision, before: dict[str, Any], by: User) -> None:
    kind = reviewable.get_reviewable(decision.case.kind)
    if before and isinstance(kind, reviewable.Redactable):
        kind.fill(before)


def _blur(decision: Decision, words: str) -> dict[str, Any]:
    kind = reviewable.get_reviewable(decision.case.kind)
    return kind.blur(decision.case.subject, decision.clause) if isinstance(kind, reviewable.Blurrable) else {}


def _undo_blur(decision: Decision, before: dict[str, Any], by: User) -> None:
    kind = reviewable.get_reviewable(decision.case.kind)
    if before and isinstance(kind, reviewable.Blurrable):
        kind.clear(decision.case.subject, before)


def _restrict(decision: Decision, words: str) -> dict[str, Any]:
    if decision.owner_id is None or decision.until is None:
        return {}
    row = Restriction.objects.create(
        person_id=decision.owner_id, feature=decision.feature, until=decision.until, decision=decision
    )
    return {"restriction": row.pk}


def _undo_restrict(decision: Decision, before: dict[str, Any], by: User) -> None:
    if before:
        Restriction.objects.filter(pk=before["restriction"]).update(lifted=timezone.now())


def _suspend(decision: Decision, words: str) -> dict[str, Any]:
    owner = decision.owner
    if owner is None:
        return {"was_active": False}
    try:
        suspend_user(owner, decision.reviewer)
    except LastAdministrator as error:
        raise ActionRefused(
            gettext("This is the last administrator who can sign in; they cannot be suspended.")
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
    "withhold": _undo_withhold,
    "allow": _undo_allow,
    "release": _undo_release,
    "stop": _undo_stop,
    "restrict": _undo_restrict,
    "blur": _undo_blur,
    "redact": _undo_redact,
    "suspend": _undo_suspend,
}


def _find_later_effect(effect: Effect) -> Effect | None:
    """The next one that did the same to the same, and found it done."""
    same = {
        "blur": Q(subject=effect.subject),
        "withhold": Q(subject=effect.subject),  # two clauses, or the question and the answer of one turn
        "suspend": Q(decision__owner=effect.decision.owner_id),
        "allow": Q(decision__case__snapshot__sha256=effect.decision.case.snapshot.sha256),
    }.get(effect.name)
    if same is None or (effect.name == "suspend" and effect.decision.owner_id is None):
        return None
    rows = Effect.objects.filter(same, name=effect.name, state=Effect.State.APPLIED, pk__gt=effect.pk)
    return rows.order_by("pk").first()


def _audit_subject(case: Case) -> str:
    return f"case {case.pk}"
