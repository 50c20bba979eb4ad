"""Outgoing email: whether this site sends any."""

from __future__ import annotations

from django.conf import settings


def is_email_configured() -> bool:
    """Return whether email leaves this site; without EMAIL_URL it is only printed to the log."""
    return not settings.EMAIL_BACKEND.endswith("console.EmailBackend")
