"""Permissions that administrators give to single members of the staff, beside their role; each change is logged.

No role includes them, not even administrator. They apply only while the user is a reviewer or administrator.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from apps.users import audit_hook
from apps.users.models import User


def require_administrator(by: User | None) -> None:
    """Raise PermissionDenied unless `by` is an active administrator, or None: the product itself."""
    if by is not None and not (by.is_administrator and by.is_active):
        raise PermissionDenied


@dataclass(frozen=True, slots=True)
class SpecialPermission:
    """Permission that is stored in the `field` of the account; `entry` is the last part of its log entries' kinds."""

    field: str
    entry: str

    def is_held_by(self, user: User) -> bool:
        """Return whether the user has the permission and is an active member of the staff."""
        return bool(getattr(user, self.field)) and user.is_staff and user.is_active

    def list_holders(self) -> QuerySet[User]:
        """Return the active members of the staff who have the permission."""
        return User.objects.filter(**{self.field: True}, is_active=True).exclude(role=User.Role.MEMBER)

    def assign(self, user: User, given: bool, by: User | None = None) -> bool:
        """Give the user the permission, or withdraw it, and log it. Return whether it changed.

        A user with the role of a member cannot get it. Raises PermissionDenied unless `by` is an administrator.
        """
        require_administrator(by)
        with transaction.atomic():
            rows = User.objects.filter(pk=user.pk, **{self.field: not given})
            if given:
                rows = rows.exclude(role=User.Role.MEMBER)
            changed = bool(rows.update(**{self.field: given}))
            if changed:
                kind = f"person.named_for_{self.entry}" if given else f"person.not_named_for_{self.entry}"
                audit_hook.record_change(kind, actor=by, user=user.pk, subject=f"person {user.pk}")
        return changed


SEALED = SpecialPermission("may_open_sealed_cases", "sealed")  # opens cases under sealed clauses
# Asks for a conversation, and approves what another one asked for.
BREAK_GLASS = SpecialPermission("may_break_glass", "break_glass")
ALL = (SEALED, BREAK_GLASS)
