"""Preferences of users between two answers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class Preference(models.Model):
    """Preference of a user for one of two answers to the same question; at most one per pair."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    better = models.ForeignKey("conversations.Message", on_delete=models.CASCADE, related_name="preferred")
    worse = models.ForeignKey("conversations.Message", on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "better", "worse"], name="one_preference_a_pair"),
            models.CheckConstraint(condition=~Q(better=models.F("worse")), name="two_answers_are_compared"),
        ]

    def __str__(self) -> str:
        return f"{self.better_id} over {self.worse_id}"
