"""Count of matches of each blocklist, by day."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class BlocklistHit(models.Model):
    """Number of matches of one blocklist on one day."""

    key = models.CharField(max_length=40, help_text="Key of the blocklist, the same in each policy version")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)
    last = models.DateTimeField()

    class Meta:
        db_table = "safety_hit"
        app_label = "safety"
        constraints: ClassVar = [models.UniqueConstraint(fields=["key", "day"], name="one_row_of_hits_a_day")]

    def __str__(self) -> str:
        return f"{self.key} {self.day}: {self.count}"
