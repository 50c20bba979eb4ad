"""Decide who needs a second factor. A sign-in at the provider needs none here: the provider's own counts.

Entry points: `is_unmet`, `has_factor`, `end_unmet_sessions`.
"""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet

from apps.users.models import SiteSettings, User
from apps.users.sessions import end_sessions, is_by_provider

PRIMARY = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes only stand in for one of these
_Rule, _Role = SiteSettings.SecondFactor, User.Role
_ROLES: dict[str, list[str]] = {
    _Rule.NOBODY: [],
    _Rule.ADMINISTRATORS: [_Role.ADMINISTRATOR],
    _Rule.STAFF: [_Role.ADMINISTRATOR, _Role.REVIEWER],
    _Rule.EVERYBODY: list(_Role.values),
}


def has_factor(user: User) -> bool:
    """Return whether the user has set up an app or a passkey."""
    return bool(Authenticator.objects.filter(user=user, type__in=PRIMARY).exists())


def is_required(user: User) -> bool:
    """Return whether the role of the user needs a second factor."""
    return user.role in _ROLES[SiteSettings.current().second_factor]


def is_unmet(user: User) -> bool:
    """Return whether the user needs a second factor and has none."""
    return is_required(user) and not has_factor(user)


def covers(rule: str, user: User) -> bool:
    """Return whether that rule, a value of SiteSettings.SecondFactor, is about the user."""
    return user.role in _ROLES[rule]


def end_unmet_sessions(users: QuerySet[User] | None = None) -> None:
    """End the sessions of those who need a second factor and have none, all users or these.

    Sessions that began at the provider stay. Whoever signs in again is led to the set-up.
    """
    roles = _ROLES[SiteSettings.current().second_factor]
    if roles:
        rows = (User.objects.all() if users is None else users).filter(role__in=roles)
        having = Authenticator.objects.filter(type__in=PRIMARY).values("user")
        end_sessions(rows.exclude(pk__in=having), lambda content: not is_by_provider(content))
