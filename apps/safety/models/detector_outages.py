"""Minutes in which a check was away, late or slow: counted where it happens, shown to staff."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import Error, models
from django.utils import timezone

SLOW_S = 2.0  # that a check of one text may take before the minute counts

_lock = threading.Lock()
_noted: set[tuple[datetime, str, str]] = set()


class Degraded(models.Model):
    """One minute of one detector. However often it failed within the minute, it is one row."""

    minute = models.DateTimeField()
    detector = models.CharField(max_length=40)
    status = models.CharField(max_length=10, help_text="error, timeout, missing or slow")

    class Meta:
        app_label = "safety"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["minute", "detector", "status"], name="one_row_a_minute")
        ]

    def __str__(self) -> str:
        return f"{self.detector} {self.status} {self.minute:%d %b %H:%M}"


def record_outage(detector: str, status: str) -> bool:
    """Remembered in memory, from any thread; True where it is new, and `write` has something to do."""
    key = timezone.now().replace(second=0, microsecond=0), detector, status
    with _lock:
        new = key not in _noted
        _noted.add(key)
    return new


def write_outages() -> None:
    """What was noted is stored. For `in_db`; where the database is away too it is kept for the next time."""
    with _lock:
        keys = sorted(_noted)
    rows = [Degraded(minute=minute, detector=detector, status=status) for minute, detector, status in keys]
    try:
        Degraded.objects.bulk_create(rows, ignore_conflicts=True)
    except Error:
        return
    now = timezone.now().replace(second=0, microsecond=0)
    with _lock:
        _noted.difference_update(key for key in keys if key[0] < now)


def count_minutes(days: int) -> dict[tuple[str, str], int]:
    """By detector and status, over the last days."""
    rows = Degraded.objects.filter(minute__gt=timezone.now() - timedelta(days=days))
    return dict(sorted(Counter(rows.values_list("detector", "status")).items()))


def count_by_day(days: int) -> list[tuple[datetime, int]]:
    """Minutes of each day in which anything was degraded; days without any are there too."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Degraded.objects.filter(minute__gte=today - timedelta(days=days - 1)).values_list("minute", flat=True)
    counts = Counter(minute.date() for minute in rows.distinct())
    every = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    return [(day, counts[day.date()]) for day in every]
