"""Lift legal holds of single cases that former releases set, of users who were erased since.

No hold of a case is set any more: a legal hold is of a user (`retention.hold_user`). The administrator who set a hold
may lift it only if no other one could, since the text is then deleted for good.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from apps.privacy import tombstones
from apps.privacy.models import CaseLegalHold
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import Case
from apps.safety.moderation import cases
from apps.users.models import User


def find_held_case(user: User, pk: Any) -> Case | None:
    """Return a held case that this administrator may see; None otherwise, see `cases.visible_cases`."""
    return cases.visible_cases(user).filter(pk=pk, legal_hold=True).first() if user.is_administrator else None


def active_holds() -> QuerySet[CaseLegalHold]:
    """Return all legal holds of cases, oldest first."""
    return CaseLegalHold.objects.select_related("case", "set_by").order_by("created")


def lift_case_hold(user: User, pk: Any, reason: str) -> None:
    """Lift the legal hold of the case, log it, and delete the text that the user's erasure had to keep.

    Raises ActionRefused.
    """
    if not reason.strip():
        raise ActionRefused(gettext("Write why. The audit log keeps the reason."))
    with transaction.atomic():
        case = find_held_case(user, pk)
        row = CaseLegalHold.objects.select_for_update(of=("self",)).filter(case=case).first() if case else None
        if case is None or row is None:
            raise ActionRefused(gettext("This case is not under a legal hold."))
        if row.set_by_id == user.pk and _others(user, case):
            raise ActionRefused(
                gettext(
                    "An administrator other than the one who set the hold has to lift it, because the content may "
                    "then be deleted permanently."
                )
            )
        Case.objects.filter(pk=case.pk).update(legal_hold=False)
        audit.record_event("case.hold_lifted", actor=user, user=case.owner_id, subject=f"case {case.pk}",
                           ground=row.ground, why=reason.strip()[:400])  # fmt: skip
        row.delete()
        if row.erased_user:
            tombstones.forget_case(case)


def _others(user: User, case: Case) -> bool:
    """Return whether another administrator could lift the hold of this case."""
    others = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exclude(pk=user.pk)
    return any(find_held_case(other, case.pk) for other in others)
