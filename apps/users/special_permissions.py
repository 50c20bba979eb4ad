"""What a few members of the staff may do besides their role: each is named by an administrator, each time with an entry
of the log. No role brings it along, that of administrators neither, and it ends with the work in review."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from apps.users import audit_hook
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class SpecialPermission:
    """`field` of the account says who has it; `entry` ends the kinds of its entries in the log."""

    field: str
    entry: str

    def held(self, user: User) -> bool:
        """Only while they review."""
        return bool(getattr(user, self.field)) and user.is_staff and user.is_active

    def people(self) -> QuerySet[User]:
        return User.objects.filter(**{self.field: True}, is_active=True).exclude(role=User.Role.MEMBER)

    def name(self, user: User, given: bool, by: User | None = None) -> bool:
        """The person has it, or no longer; whether that was a change. Members cannot be named."""
        with transaction.atomic():
            rows = User.objects.filter(pk=user.pk, **{self.field: not given})
            if given:
                rows = rows.exclude(role=User.Role.MEMBER)
            changed = bool(rows.update(**{self.field: given}))
            if changed:
                kind = f"person.named_for_{self.entry}" if given else f"person.not_named_for_{self.entry}"
                audit_hook.record_change(kind, actor=by, person=user.pk, subject=f"person {user.pk}")
        return changed


SEALED = SpecialPermission("handles_sealed", "sealed")  # opens cases under sealed clauses
BREAK_GLASS = SpecialPermission(
    "breaks_glass", "break_glass"
)  # asks for a conversation, and approves what another one asked for
ALL = (SEALED, BREAK_GLASS)
