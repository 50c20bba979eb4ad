"""Token of the directory: one for the site, stored as a hash. Without one there is no SCIM.

Entry points: `make_token`, `revoke_token`, `check_token`.
"""

from __future__ import annotations

import hashlib

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from apps.lib.ids import new_secret
from apps.safety.audit_log import audit
from apps.safety.policy import separation_of_duties
from apps.users.models import DirectoryToken, User

PREFIX = "obd_"  # lets secret scanners, and people who find a leaked token, recognise it
_SECRET_CHARACTERS = 200
_USED_S = 60  # precision of "last used": a first synchronisation does not write a row at each request


def make_token(by: User) -> str:
    """Store a new token in place of the one before, log it and return its secret, which cannot be shown again."""
    separation_of_duties.require_administrator(by)
    secret = PREFIX + new_secret()
    with transaction.atomic():
        before = DirectoryToken.objects.filter(pk=1).first()
        DirectoryToken.objects.filter(pk=1).delete()
        row = DirectoryToken.objects.create(pk=1, secret_hash=_hash(secret), secret_suffix=secret[-4:])
        _tell(by, before, row)
    return secret


def revoke_token(by: User) -> None:
    """Delete the token and log that. Accounts and groups stay as they are."""
    separation_of_duties.require_administrator(by)
    with transaction.atomic():
        before = DirectoryToken.objects.filter(pk=1).first()
        if before is not None:
            before.delete()
            _tell(by, before, None)


def check_token(row: DirectoryToken, header: str) -> bool:
    """Return whether an Authorization header has the secret of the token, and note its use."""
    kind, _, secret = header.partition(" ")
    secret = secret.strip()[:_SECRET_CHARACTERS]
    if not constant_time_compare(_hash(secret), row.secret_hash) or kind.lower() != "bearer":
        return False
    now = timezone.now()
    if row.last_used is None or (now - row.last_used).total_seconds() > _USED_S:
        DirectoryToken.objects.filter(pk=1, secret_hash=row.secret_hash).update(last_used=now)
    return True


def _tell(by: User, before: DirectoryToken | None, after: DirectoryToken | None) -> None:
    old, new = (f"…{row.secret_suffix}" if row else "" for row in (before, after))
    audit.record_event("directory.changed", actor=by, subject="settings", before=old, after=new)


def _hash(secret: str) -> str:
    """Return the SHA-256 of a secret. A fast unsalted hash suffices: the secret is 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
