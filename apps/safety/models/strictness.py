"""Levels at which a text is judged, as rows hold them."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy


class Strictness(TextChoices):
    SITE = "site", gettext_lazy("As the site has it")
    STRICT = "strict", gettext_lazy("Strict")
    STRICTEST = "strictest", gettext_lazy("Strictest")


def parse_strictness(value: str) -> Strictness:
    """What a row holds; the strictest where it is none of them."""
    return Strictness(value) if value in Strictness.values else Strictness.STRICTEST
