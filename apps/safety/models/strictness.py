"""Levels of strictness, as stored in rows."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy


class Strictness(TextChoices):
    """Level of strictness, from mildest to strictest."""

    SITE = "site", gettext_lazy("Site default")
    STRICT = "strict", gettext_lazy("Strict")
    STRICTEST = "strictest", gettext_lazy("Strictest")


def parse_strictness(value: str) -> Strictness:
    """Return the stored level; the strictest for an unknown value."""
    return Strictness(value) if value in Strictness.values else Strictness.STRICTEST
