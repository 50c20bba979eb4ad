"""Model of limits on what users may use in a day or a month, by chat model and group."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy


class UsageLimit(models.Model):
    """Limit of questions or tokens in a calendar day or month (UTC), beside the rate limits.

    It counts what `UsageDay` holds, so it knows usage from before it was set.
    """

    class Figure(models.TextChoices):
        """Figure of `UsageDay` that is limited."""

        QUESTIONS = "questions", gettext_lazy("Questions")
        TOKENS = "tokens", gettext_lazy("Model tokens")

    class Period(models.TextChoices):
        """Calendar period after which counting starts again."""

        DAY = "day", gettext_lazy("per day")
        MONTH = "month", gettext_lazy("per month")

    group = models.ForeignKey(
        "auth.Group", on_delete=models.CASCADE, null=True, blank=True, related_name="usage_limits"
    )  # None: for everyone
    model = models.CharField(max_length=255, blank=True)  # name on its server, as in `UsageDay`; "": all models
    figure = models.CharField(max_length=12, choices=Figure.choices)
    period = models.CharField(max_length=8, choices=Period.choices)
    shared = models.BooleanField(default=False)  # all users of the group together, else each of them
    amount = models.PositiveBigIntegerField()  # 0 forbids

    class Meta:
        ordering: ClassVar = ["group__name", "model", "figure", "period", "shared"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["model", "figure", "period", "shared"], condition=Q(group=None), name="one_limit_for_everyone"
            ),
            models.UniqueConstraint(
                fields=["group", "model", "figure", "period", "shared"], name="one_limit_of_a_kind_for_a_group"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group_id or ''} {self.model} {self.amount} {self.figure} per {self.period}"
