"""Count the minutes in which a detector failed, timed out or was slow, for display to staff."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import Error, models
from django.utils import timezone

SLOW_S = 2.0  # seconds; a slower check of one text counts its minute

_lock = threading.Lock()
_noted: set[tuple[datetime, str, str]] = set()


class DetectorOutage(models.Model):
    """Minute of a detector with at least one failure of that status."""

    minute = models.DateTimeField()
    detector = models.CharField(max_length=40)
    status = models.CharField(max_length=10)  # error, timeout, missing or slow

    class Meta:
        db_table = "safety_degraded"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["minute", "detector", "status"], name="one_row_a_minute")
        ]

    def __str__(self) -> str:
        return f"{self.detector} {self.status} {self.minute:%d %b %H:%M}"


def record_outage(detector: str, status: str) -> bool:
    """Note the current minute in memory, from any thread. Return True if it is new and `write_outages` should run."""
    key = timezone.now().replace(second=0, microsecond=0), detector, status
    with _lock:
        new = key not in _noted
        _noted.add(key)
    return new


def write_outages() -> None:
    """Store the noted minutes.

    If the database is unreachable, they stay in memory for the next call. Run within `in_db`.
    """
    with _lock:
        keys = sorted(_noted)
    rows = [DetectorOutage(minute=minute, detector=detector, status=status) for minute, detector, status in keys]
    try:
        DetectorOutage.objects.bulk_create(rows, ignore_conflicts=True)
    except Error:
        return
    now = timezone.now().replace(second=0, microsecond=0)
    with _lock:
        _noted.difference_update(key for key in keys if key[0] < now)


def count_minutes(days: int) -> dict[tuple[str, str], int]:
    """Return the minutes of the last `days` days by detector and status."""
    rows = DetectorOutage.objects.filter(minute__gt=timezone.now() - timedelta(days=days))
    return dict(sorted(Counter(rows.values_list("detector", "status")).items()))


def count_by_day(days: int) -> list[tuple[datetime, int]]:
    """Return, for each of the last `days` days in order, how many minutes had any outage; 0 included."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = DetectorOutage.objects.filter(minute__gte=today - timedelta(days=days - 1)).values_list("minute", flat=True)
    counts = Counter(minute.date() for minute in rows.distinct())
    every = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    return [(day, counts[day.date()]) for day in every]
