"""What administrators do with people. One administrator who can sign in always remains."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.users import audit_hook, special_permissions
from apps.users.models import User


class LastAdministrator(Exception):
    """The change would leave nobody who can administer."""


def list_users() -> QuerySet[User]:
    """All people, those who may sign in first; `confirmed` says whether their address is known to be theirs."""
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    return User.objects.annotate(confirmed=Exists(confirmed)).order_by("-is_active", "name", "email")


def confirm_address(user: User, by: User | None = None) -> None:
    """The address of the account counts as confirmed."""
    with transaction.atomic():
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
        _tell("person.confirmed", user, by)


def set_role(user: User, role: str, by: User | None = None) -> None:
    """Who reviews no longer has no duty any more (`duties.py`), also not after they review again. Raises
    LastAdministrator."""
    with transaction.atomic():
        before = _change(user, role=role)["role"]
        if before != role:
            _tell("person.role", user, by, before=before, after=role)
        if role == User.Role.MEMBER:
            for duty in special_permissions.ALL:
                duty.name(user, False, by)


def suspend_user(user: User, by: User | None = None) -> None:
    """Close the account: the person can no longer sign in, and every session of theirs is dead. `by` is None where the
    product itself does it. Raises LastAdministrator, and PermissionDenied where a member suspends somebody else."""
    if by is not None and by.pk != user.pk and not (by.is_staff and by.is_active):
        raise PermissionDenied
    with transaction.atomic():
        if _change(user, is_active=False)["is_active"]:
            _tell("person.suspended", user, by)
    end_sessions(user)


def reinstate_user(user: User, by: User | None = None) -> None:
    """Open the account again. Raises PermissionDenied where a member does it."""
    if by is not None and not (by.is_staff and by.is_active):
        raise PermissionDenied
    with transaction.atomic():
        if not _change(user, is_active=True)["is_active"]:
            _tell("person.reinstated", user, by)


def reinstate_as_administrator(user: User) -> None:
    """Make the account active and an administrator in one change, also where there is no other administrator."""
    with transaction.atomic():
        before = _change(user, role=User.Role.ADMINISTRATOR, is_active=True)
        if before["role"] != User.Role.ADMINISTRATOR:
            _tell("person.role", user, None, before=before["role"], after=User.Role.ADMINISTRATOR)
        if not before["is_active"]:
            _tell("person.reinstated", user, None)


def _tell(kind: str, user: User, by: User | None, **facts: object) -> None:
    audit_hook.record_change(kind, actor=by, person=user.pk, subject=f"person {user.pk}", **facts)


def _change(user: User, **changes: object) -> dict[str, object]:
    """Returns what was there before. Call inside a transaction."""
    # Locked together, so that two administrators cannot take each other's role at the same moment.
    able = User.objects.select_for_update().filter(role=User.Role.ADMINISTRATOR, is_active=True)
    others = [row.pk for row in able if row.pk != user.pk]
    stored = User.objects.filter(pk=user.pk).values("role", "is_active").first()
    before: dict[str, object] = {**(stored or {"role": user.role, "is_active": user.is_active})}
    after = before | changes
    if not others and not (after["role"] == User.Role.ADMINISTRATOR and after["is_active"]):
        raise LastAdministrator
    User.objects.filter(pk=user.pk).update(**changes)
    return before


def end_sessions(user: User) -> None:
    """Nobody is signed in as this person any more, also not after they are reinstated."""
    alive = Session.objects.filter(expire_date__gt=timezone.now())
    theirs = [row.pk for row in alive.iterator() if row.get_decoded().get("_auth_user_id") == str(user.pk)]
    Session.objects.filter(pk__in=theirs).delete()
