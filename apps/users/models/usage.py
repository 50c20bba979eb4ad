"""Model of usage: how much a user used on a day, in numbers alone."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class UsageDay(models.Model):
    """Figures of one user on one day (UTC) with one model, without content. Deleted with the account.

    `model` is the name that the model server states; "" for files, pictures and answers that no model wrote.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="usage")
    day = models.DateField(db_index=True)
    model = models.CharField(max_length=255, blank=True)
    questions = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)  # that the model read and wrote
    files = models.PositiveIntegerField(default=0)  # files and web pages that were added
    pictures = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "day", "model"], name="one_row_a_user_day_and_model")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.day} {self.model}"
