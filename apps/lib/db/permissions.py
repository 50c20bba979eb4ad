"""Permission check at the beginning of a change: the row must be among those that the user may change."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet


def require_row(allowed: QuerySet[Any], pk: Any) -> None:
    """Raise PermissionDenied unless a row with that primary key is in `allowed`. One query."""
    if not allowed.filter(pk=pk).exists():
        raise PermissionDenied
