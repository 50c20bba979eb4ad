"""Versions of each detector, with the time since when each judged."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models


class DetectorVersion(models.Model):
    """Detector with its present and past versions."""

    name = models.CharField(max_length=40, primary_key=True)
    version = models.CharField(max_length=120)
    since = models.DateTimeField()
    history = models.JSONField(default=list, help_text="[{version, since}], the oldest first, this one last")

    class Meta:
        db_table = "safety_detector"
        app_label = "safety"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def version_at(self, moment: datetime) -> str:
        """Return the version that judged at `moment`; the oldest known one for an earlier time."""
        known = [one["version"] for one in self.history if datetime.fromisoformat(one["since"]) <= moment]
        first = self.history[0]["version"] if self.history else self.version
        return str(known[-1] if known else first)
