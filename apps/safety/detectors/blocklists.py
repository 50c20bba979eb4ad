"""Detect blocklist matches and count them by list and day, without the matched text."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

from django.db import Error, transaction
from django.db.models import F
from django.utils import timezone

from apps.safety.detectors import timeouts
from apps.safety.models import BlocklistHit
from apps.safety.policy import blocklist_matcher
from apps.safety.policy.evaluation import BLOCKLIST_DETECTOR, Signal, SignalStatus
from apps.safety.policy.schema import Policy, Stage

_lock = threading.Lock()
_noted: Counter[tuple[str, date]] = Counter()


def detect_blocklists(policy: Policy, stage: Stage, text: str, since: int = 0) -> list[Signal]:
    """Return the signals of the policy's blocklists for a live text and count the hits in memory."""
    signals, ms = timeouts.measure_time(lambda: blocklist_matcher.match_blocklists(policy, stage, text, since))
    if timeouts.is_late("lists", ms):
        return [Signal(BLOCKLIST_DETECTOR, policy.sha256[:12], SignalStatus.TIMEOUT, {}, ms=ms)]
    signals = [replace(signal, ms=ms) for signal in signals]
    if signals:
        today = timezone.now().date()
        with _lock:
            _noted.update((signal.match_key, today) for signal in signals)
    return signals


def has_pending_hits() -> bool:
    """Return whether counted hits wait for `write_hits`."""
    return bool(_noted)


def write_hits() -> None:
    """Store the counted hits, if there are any.

    If the database is unreachable, they stay in memory for the next call. Run within `in_db`.
    """
    with _lock:
        rows = dict(_noted)
        _noted.clear()
    if not rows:
        return
    try:
        with transaction.atomic():
            for (key, day), count in sorted(rows.items()):
                row, _ = BlocklistHit.objects.get_or_create(key=key, day=day, defaults={"last": timezone.now()})
                BlocklistHit.objects.filter(pk=row.pk).update(count=F("count") + count, last=timezone.now())
    except Error:
        with _lock:
            _noted.update(rows)


def count_by_day(key: str, days: int) -> list[tuple[date, int]]:
    """Return the hits of the list for each of the last `days` days in order; 0 included."""
    today = timezone.now().date()
    counts = dict(
        BlocklistHit.objects.filter(key=key, day__gt=today - timedelta(days=days)).values_list("day", "count")
    )
    return [(day, counts.get(day, 0)) for day in (today - timedelta(days=back) for back in range(days - 1, -1, -1))]


def find_last_hit(key: str) -> BlocklistHit | None:
    """Return the row of the last day with a hit; None if there is none."""
    return BlocklistHit.objects.filter(key=key).order_by("-day").first()
