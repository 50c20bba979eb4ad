"""Identifiers: random, so that knowing one tells nothing about the next."""

from __future__ import annotations

import secrets
import uuid


def new_id() -> uuid.UUID:
    return uuid.uuid4()


def new_secret() -> str:
    """256 random bits, URL-safe; store only its hash."""
    return secrets.token_urlsafe(32)
