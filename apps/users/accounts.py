"""Change roles and the active state of accounts; every change is logged.

At least one active administrator always remains: a change that would leave none raises `LastAdministrator`.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, TextChoices, When
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy

from apps.users import audit_hook, special_permissions
from apps.users.models import ApiToken, DirectoryAccount, User
from apps.users.second_factor import requirement
from apps.users.sessions import end_sessions


class LastAdministrator(Exception):
    """Error: the change would leave no active administrator."""


class AccountState(TextChoices):
    """State of an account, as administrators filter by it."""

    ACTIVE = "active", gettext_lazy("Active")
    SUSPENDED = "suspended", gettext_lazy("Suspended")
    UNCONFIRMED = "unconfirmed", gettext_lazy("E-mail address not confirmed")


def list_users(text: str = "", role: str = "", state: str = "") -> QuerySet[User]:
    """Return the users whose name or e-mail address holds every word of `text`; "" for all roles or states.

    `confirmed` is True for a user whose e-mail address is verified; `shown_name` is the name or e-mail address in lower
    case, to sort by.
    """
    verified = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    called = Case(When(name="", then=F("email")), default=F("name"))
    rows = User.objects.annotate(confirmed=Exists(verified), shown_name=Lower(called))
    for word in text.split():
        rows = rows.filter(Q(name__icontains=word) | Q(email__icontains=word))
    if role:
        rows = rows.filter(role=role)
    if state == AccountState.UNCONFIRMED:
        rows = rows.filter(confirmed=False)
    elif state:
        rows = rows.filter(is_active=state == AccountState.ACTIVE)
    return rows.defer("password", "instructions", "facts")


def confirm_address(user: User, by: User | None = None) -> None:
    """Mark the e-mail address of the account as verified. `by` is the administrator; None for the product itself.

    Raises PermissionDenied for other users.
    """
    special_permissions.require_administrator(by)
    with transaction.atomic():
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
        _tell("person.confirmed", user, by)


def set_role(user: User, role: str, by: User | None = None) -> None:
    """Set the role of the user and log it; a user who becomes a member loses all special permissions for good.

    If the role needs a second factor and the user has none, the sessions end: the next sign-in leads to its set-up.
    Raises LastAdministrator, and PermissionDenied unless `by` is an administrator; None is the product itself.
    """
    special_permissions.require_administrator(by)
    with transaction.atomic():
        before = _change(user, role=role)["role"]
        if before != role:
            _tell("person.role", user, by, before=before, after=role)
        if role == User.Role.MEMBER:
            for permission in special_permissions.ALL:
                permission.assign(user, False, by)
    requirement.end_unmet_sessions(User.objects.filter(pk=user.pk))


def suspend_user(user: User, by: User | None = None) -> None:
    """Deactivate the account and end all its sessions. `by` is None if the product itself does it.

    Raises LastAdministrator, and PermissionDenied if a member suspends another user.
    """
    if by is not None and by.pk != user.pk and not (by.is_staff and by.is_active):
        raise PermissionDenied
    with transaction.atomic():
        if _change(user, is_active=False)["is_active"]:
            _tell("person.suspended", user, by)
    end_sessions(user)


def close_account(user: User, by: User | None = None) -> None:
    """Deactivate the account of a leaver: sessions end, and API tokens are deleted, so that none works again later.

    Raises as `suspend_user`.
    """
    with transaction.atomic():
        suspend_user(user, by)
        ApiToken.objects.filter(user=user).delete()


def reinstate_user(user: User, by: User | None = None) -> None:
    """Reactivate the account. Raises PermissionDenied if `by` is a member.

    An account that the directory closed is reopened by administrators and the directory only: a suspension that ends
    leaves it closed.
    """
    if by is not None and not (by.is_staff and by.is_active):
        raise PermissionDenied
    closed = DirectoryAccount.objects.filter(user=user, active=False).exists()
    if closed and not (by is not None and by.is_administrator):
        return
    with transaction.atomic():
        if not _change(user, is_active=True)["is_active"]:
            _tell("person.reinstated", user, by)


def reinstate_as_administrator(user: User) -> None:
    """Activate the account and make it an administrator in one change; works if there is no other administrator."""
    with transaction.atomic():
        before = _change(user, role=User.Role.ADMINISTRATOR, is_active=True)
        if before["role"] != User.Role.ADMINISTRATOR:
            _tell("person.role", user, None, before=before["role"], after=User.Role.ADMINISTRATOR)
        if not before["is_active"]:
            _tell("person.reinstated", user, None)


def _tell(kind: str, user: User, by: User | None, **facts: object) -> None:
    audit_hook.record_change(kind, actor=by, user=user.pk, subject=f"person {user.pk}", **facts)


def _change(user: User, **changes: object) -> dict[str, object]:
    """Update the user and return the previous role and active state.

    Must run inside a transaction. Raises LastAdministrator.
    """
    # All administrators are locked, so that two of them cannot remove each other at the same time.
    able = User.objects.select_for_update().filter(role=User.Role.ADMINISTRATOR, is_active=True)
    others = [row.pk for row in able if row.pk != user.pk]
    stored = User.objects.filter(pk=user.pk).values("role", "is_active").first()
    before: dict[str, object] = {**(stored or {"role": user.role, "is_active": user.is_active})}
    after = before | changes
    if not others and not (after["role"] == User.Role.ADMINISTRATOR and after["is_active"]):
        raise LastAdministrator
    User.objects.filter(pk=user.pk).update(**changes)
    return before
