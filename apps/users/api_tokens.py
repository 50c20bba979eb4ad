"""Personal tokens: what programs sign in with. Only a hash is kept; what a token may do is fixed when it is made."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from apps.lib.ids import new_secret
from apps.users.models import Token, User

PREFIX = "ob_"  # what a scanner of leaked secrets, and a person who finds one, can recognise
LIMIT = 50  # tokens a person
_SECRET_CHARACTERS = 200
_USED_S = 60  # "last used" is this exact, so that a busy program does not write a row at each request


class TooManyTokens(Exception):
    """The person has as many tokens as one may have."""


def create_token(user: User, name: str, scopes: list[str], days: int | None) -> str:
    """The secret of a new token, which cannot be shown again. Raises TooMany."""
    if Token.objects.filter(user=user).count() >= LIMIT:
        raise TooManyTokens
    secret = PREFIX + new_secret()
    Token.objects.create(
        user=user, name=name, scopes=sorted(set(scopes)), secret_hash=_hash(secret), tail=secret[-4:],
        expires=None if days is None else timezone.now() + timedelta(days=days),
    )  # fmt: skip
    return secret


def find_token(secret: str) -> Token | None:
    """The token with that secret, where it is alive and its person may sign in; its use is noted."""
    if not secret.startswith(PREFIX) or len(secret) > _SECRET_CHARACTERS:
        return None
    now = timezone.now()
    alive = Token.objects.filter(Q(expires__isnull=True) | Q(expires__gt=now), user__is_active=True)
    found = alive.select_related("user").filter(secret_hash=_hash(secret)).first()
    if found is not None and _is_old(found.last_used, now):
        Token.objects.filter(pk=found.pk).update(last_used=now)
    return found


def revoke_token(user: User, pk: int) -> bool:
    """The token no longer works; False where the person has no such token."""
    return bool(Token.objects.filter(user=user, pk=pk).delete()[0])


def _is_old(used: datetime | None, now: datetime) -> bool:
    return used is None or (now - used).total_seconds() > _USED_S


def _hash(secret: str) -> str:
    """A plain hash is enough: the secret is 256 random bits, so nobody can guess through a list."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
