"""Preferences that protect reviewers: severe texts are covered until requested, and clauses can be left to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from apps.users.models import User

SEVERE_FROM = 3  # severity, 0 to 4, from which on a text is covered


class ReviewerPreferences(models.Model):
    """Preferences of a reviewer, visible to no other user."""

    reviewer = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    covers_severe = models.BooleanField(
        default=True, help_text="Whether disturbing texts are covered until the reviewer opens them"
    )
    skipped_clauses = models.JSONField(default=list, help_text="Codes of clauses that the reviewer skips")

    class Meta:
        db_table = "safety_care"

    def __str__(self) -> str:
        return f"Care {self.pk}"


def get_preferences(user: User) -> ReviewerPreferences:
    """Return the preferences of the user; by default severe texts are covered and no clause is left out."""
    return ReviewerPreferences.objects.filter(reviewer=user).first() or ReviewerPreferences(reviewer=user)


def is_covered(user: User, severity: int) -> bool:
    """Return whether content of the severity is left out of the user's page until the user opens it."""
    return severity >= SEVERE_FROM and get_preferences(user).covers_severe


def set_preferences(user: User, *, covers_severe: bool, skipped_clauses: list[str]) -> None:
    """Store the preferences of the user; `skipped_clauses` are codes of clauses."""
    ReviewerPreferences.objects.update_or_create(
        reviewer=user, defaults={"covers_severe": covers_severe, "skipped_clauses": skipped_clauses}
    )
