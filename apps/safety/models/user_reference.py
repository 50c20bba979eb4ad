"""Reference of a row to a user, as most models of safety have it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models


def user_reference() -> Any:
    """Return a foreign key to a user that is emptied when the account is erased."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
