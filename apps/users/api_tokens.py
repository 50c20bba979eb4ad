"""Create, find and revoke personal API tokens.

Only a hash of the secret is stored. The scopes of a token cannot change after its creation.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from apps.lib.ids import new_secret
from apps.users.models import ApiToken, User

PREFIX = "ob_"  # lets secret scanners, and people who find a leaked token, recognise it
LIMIT = 50  # tokens per user
_SECRET_CHARACTERS = 200
_USED_S = 60  # precision of "last used": a busy client does not write a row at each request


class TooManyTokens(Exception):
    """Error: the user has `LIMIT` tokens already."""


def create_token(user: User, name: str, scopes: list[str], days: int | None) -> str:
    """Create a token and return its secret, which cannot be shown again. Raises TooManyTokens.

    `days` is how long the token is valid; None: without end.
    """
    if ApiToken.objects.filter(user=user).count() >= LIMIT:
        raise TooManyTokens
    secret = PREFIX + new_secret()
    ApiToken.objects.create(
        user=user, name=name, scopes=sorted(set(scopes)), secret_hash=_hash(secret), secret_suffix=secret[-4:],
        expires=None if days is None else timezone.now() + timedelta(days=days),
    )  # fmt: skip
    return secret


def find_token(secret: str) -> ApiToken | None:
    """Return the token of that secret and note its use; None if it is unknown, expired or of an inactive user."""
    if not secret.startswith(PREFIX) or len(secret) > _SECRET_CHARACTERS:
        return None
    now = timezone.now()
    alive = ApiToken.objects.filter(Q(expires__isnull=True) | Q(expires__gt=now), user__is_active=True)
    found = alive.select_related("user").filter(secret_hash=_hash(secret)).first()
    if found is not None and _is_old(found.last_used, now):
        ApiToken.objects.filter(pk=found.pk).update(last_used=now)
    return found


def revoke_token(user: User, pk: int) -> bool:
    """Delete the token. Return False if the user has no such token."""
    return bool(ApiToken.objects.filter(user=user, pk=pk).delete()[0])


def _is_old(used: datetime | None, now: datetime) -> bool:
    return used is None or (now - used).total_seconds() > _USED_S


def _hash(secret: str) -> str:
    """Return the SHA-256 of a secret. A fast unsalted hash suffices: the secret is 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
