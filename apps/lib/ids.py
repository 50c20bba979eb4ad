"""Random identifiers and secrets."""

from __future__ import annotations

import secrets
import uuid


def new_id() -> uuid.UUID:
    """Return a random UUID."""
    return uuid.uuid4()


def new_secret() -> str:
    """Return 256 random bits as URL-safe text. Store only its hash."""
    return secrets.token_urlsafe(32)
