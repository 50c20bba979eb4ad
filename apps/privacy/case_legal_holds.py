"""Legal holds of single cases: the frozen text survives retention rules, erasure requests and age.

An administrator sets a hold, with a ground for the user and a reason for staff. The administrator who set it may lift
it only if no other one could, since the text may then be deleted for good.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext, override

from apps.privacy import tombstones
from apps.privacy.models import CaseLegalHold
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import Case, Snapshot
from apps.safety.moderation import cases
from apps.users.models import User

RETAINED_LABEL = "kept under a legal hold"  # prefix of a count in an erasure receipt; the ground follows


def find_holdable_case(user: User, pk: Any) -> Case | None:
    """Return a case that this administrator may hold; None if it is not visible to them, see `cases.visible_cases`."""
    return cases.visible_cases(user).filter(pk=pk).first() if user.is_administrator else None


def active_holds() -> QuerySet[CaseLegalHold]:
    """Return all legal holds of cases, oldest first."""
    return CaseLegalHold.objects.select_related("case", "set_by").order_by("created")


def holds_about(user: User) -> QuerySet[CaseLegalHold]:
    """Return the legal holds of cases about the user."""
    return CaseLegalHold.objects.filter(case__owner=user)


def hold_case(user: User, pk: Any, ground: str, reason: str) -> CaseLegalHold:
    """Set a legal hold on the case and log it. Raises ActionRefused."""
    if ground not in CaseLegalHold.Ground.values or not reason.strip():
        raise ActionRefused(gettext("Choose a ground and write why. The audit log keeps both."))
    with transaction.atomic():
        case = _case(user, pk)
        if case.legal_hold:
            raise ActionRefused(gettext("This case is already under a legal hold."))
        if not Snapshot.objects.filter(cases=case).exclude(text="").exists():
            raise ActionRefused(
                gettext("The snapshot of this case was already deleted, so there is nothing left to hold.")
            )
        Case.objects.filter(pk=case.pk).update(legal_hold=True)
        entry = audit.record_event("case.hold_set", actor=user, user=case.owner_id, subject=f"case {case.pk}",
                             ground=ground, why=reason.strip()[:400])  # fmt: skip
        return CaseLegalHold.objects.create(
            case=case, ground=ground, reason=reason.strip()[:400], set_by=user, audit_seq=entry.seq
        )


def lift_case_hold(user: User, pk: Any, reason: str) -> None:
    """Lift the legal hold of the case and log it; a text that an erasure had to keep is deleted at once.

    Raises ActionRefused.
    """
    if not reason.strip():
        raise ActionRefused(gettext("Write why. The audit log keeps the reason."))
    with transaction.atomic():
        case = _case(user, pk)
        row = CaseLegalHold.objects.filter(case=case).first()
        if row is None:
            raise ActionRefused(gettext("This case is not under a legal hold."))
        if row.set_by_id == user.pk and _others(user, case):
            raise ActionRefused(
                gettext(
                    "An administrator other than the one who set the hold has to lift it, because the content may "
                    "then be deleted permanently."
                )
            )
        Case.objects.filter(pk=case.pk).update(legal_hold=False)
        audit.record_event(
            "case.hold_lifted",
            actor=user,
            user=case.owner_id,
            subject=f"case {case.pk}",
            ground=row.ground,
            why=reason.strip()[:400],
        )
        row.delete()
        if row.erased_user:
            tombstones.forget_case(case)


def retention_label(case: Case, user: User) -> str:
    """Return the label under which the receipt of the user's erasure counts a held case; "" without a hold.

    From then on the hold stores name and address of the user. Must run inside the transaction that would delete the
    text.
    """
    row = CaseLegalHold.objects.select_for_update(of=("self",)).filter(case=case).first()
    if row is None:
        return ""
    CaseLegalHold.objects.filter(pk=row.pk).update(erased_user=f"{user} <{user.email}>"[:400])
    with override("en"):  # as everything in a receipt
        return f"{RETAINED_LABEL}: {row.get_ground_display()}"


def _case(user: User, pk: Any) -> Case:
    found = find_holdable_case(user, pk)
    if found is None:
        raise ActionRefused(gettext("Case not found."))
    return Case.objects.select_for_update(of=("self",)).get(pk=found.pk)


def _others(user: User, case: Case) -> bool:
    """Return whether another administrator could lift the hold of this case."""
    others = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exclude(pk=user.pk)
    return any(find_holdable_case(other, case.pk) for other in others)
