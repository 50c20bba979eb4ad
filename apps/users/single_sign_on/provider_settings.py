"""Settings of the OpenID Connect provider in force: those of the environment if OIDC_ISSUER is set, else of the page.

Entry point: `load_provider`, which every reader uses. Each process reads the row again after SITE_TEXTS_S seconds.
`apps.operations.sign_in_provider` changes it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError

from apps.users.models import SignInProvider


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Settings of the provider, named as the variables OIDC_*. `issuer` is "" if there is no provider.

    `of_page`: an administrator set it, so connections are restricted to allowed servers.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    scopes: tuple[str, ...]
    groups_claim: str
    group_names: Mapping[str, str]
    roles_claim: str
    allowed_groups: frozenset[str]
    admin_groups: frozenset[str]
    reviewer_groups: frozenset[str]
    link: str
    session_hours: int
    of_page: bool = False


@dataclass(slots=True)
class _Copy:
    provider: ProviderSettings | None = None
    read_at: float = float("-inf")


_copy = _Copy()


def is_of_environment() -> bool:
    """Return whether OIDC_ISSUER sets the provider, so that the page cannot."""
    return bool(settings.OIDC_ISSUER)


def load_provider() -> ProviderSettings:
    """Return the settings in force; those of the page as they were at most SITE_TEXTS_S ago.

    For threads that may use the database.
    """
    if is_of_environment():
        return _read_environment()
    if time.monotonic() - _copy.read_at > settings.SITE_TEXTS_S:
        try:
            row = SignInProvider.objects.filter(pk=1).first()
        except DatabaseError:  # before the first migration, or the database is away: as before
            return _copy.provider or _read_environment()
        _copy.provider, _copy.read_at = make_provider_settings(row) if row else None, time.monotonic()
    return _copy.provider or _read_environment()


def make_provider_settings(row: SignInProvider) -> ProviderSettings:
    """Return the settings of the row. Names of groups by value of the claim are of the environment."""
    return ProviderSettings(
        issuer=row.issuer,
        client_id=row.client_id,
        client_secret=row.usable_secret,
        name=row.name,
        scopes=tuple(row.scopes),
        groups_claim=row.groups_claim,
        group_names=settings.OIDC_GROUP_NAMES,
        roles_claim=row.roles_claim,
        allowed_groups=frozenset(row.allowed_groups),
        admin_groups=frozenset(row.admin_groups),
        reviewer_groups=frozenset(row.reviewer_groups),
        link=row.link,
        session_hours=row.session_hours,
        of_page=True,
    )


def reset_copy() -> None:
    """Make the next reader of this process read the row."""
    _copy.provider, _copy.read_at = None, float("-inf")


def _read_environment() -> ProviderSettings:
    return ProviderSettings(
        issuer=settings.OIDC_ISSUER,
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET,
        name=settings.OIDC_NAME,
        scopes=tuple(settings.OIDC_SCOPES),
        groups_claim=settings.OIDC_GROUPS_CLAIM,
        group_names=settings.OIDC_GROUP_NAMES,
        roles_claim=settings.OIDC_ROLES_CLAIM,
        allowed_groups=frozenset(settings.OIDC_ALLOWED_GROUPS),
        admin_groups=frozenset(settings.OIDC_ADMIN_GROUPS),
        reviewer_groups=frozenset(settings.OIDC_REVIEWER_GROUPS),
        link=settings.OIDC_LINK,
        session_hours=settings.OIDC_SESSION_HOURS,
    )
