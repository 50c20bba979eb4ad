"""Who is named for sealed cases: a few people, each by an administrator, each time with an entry of the log."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from apps.users import recording
from apps.users.models import User


def named(user: User) -> bool:
    """Only while they review; no role brings it along, that of administrators neither."""
    return user.handles_sealed and user.is_staff and user.is_active


def people() -> QuerySet[User]:
    return User.objects.filter(handles_sealed=True, is_active=True).exclude(role=User.Role.MEMBER)


def name(user: User, given: bool, by: User | None = None) -> bool:
    """The person is named for sealed cases, or no longer; whether that was a change. Members cannot be named."""
    with transaction.atomic():
        rows = User.objects.filter(pk=user.pk, handles_sealed=not given)
        if given:
            rows = rows.exclude(role=User.Role.MEMBER)
        changed = bool(rows.update(handles_sealed=given))
        if changed:
            kind = "person.named_for_sealed" if given else "person.not_named_for_sealed"
            recording.record(kind, actor=by, person=user.pk, subject=f"person {user.pk}")
    return changed
