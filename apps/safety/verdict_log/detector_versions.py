"""Track the version of each detector, and since when it judges.

New weights make another detector, for whose scores the thresholds of a policy were not set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.safety.audit_log import audit
from apps.safety.models import DetectorVersion
from apps.safety.policy.evaluation import BLOCKLIST_DETECTOR, Signal, SignalStatus

if TYPE_CHECKING:
    from apps.safety.models import PolicyVersion

_KEPT = 20  # versions stored per detector
_UNSCORED = frozenset({"rules", "personal", "canary"})  # detectors whose signals have no threshold

_seen: dict[str, str] = {}  # last version of each detector seen by this process


@dataclass(frozen=True, slots=True)
class VersionChange:
    """Detector whose version changed since a policy version was written."""

    name: str
    before: str
    after: str
    since: datetime


def record_versions(signals: Iterable[Signal]) -> None:
    """Store the detectors of the signals with their versions; a changed version gets the audit entry
    `detector.changed`.

    No query if this process has seen all of them.
    """
    for signal in signals:
        if signal.status is not SignalStatus.OK or signal.detector == BLOCKLIST_DETECTOR or not signal.version:
            continue
        if _seen.get(signal.detector) != signal.version:
            _record_version(signal.detector, signal.version[:120])
            _seen[signal.detector] = signal.version


def find_version_changes(row: PolicyVersion) -> list[VersionChange]:
    """Return the detectors whose scores changed meaning since the thresholds of that policy version were set."""
    changes = []
    for detector in DetectorVersion.objects.exclude(name__in=_UNSCORED):
        before = detector.version_at(row.created)
        if before != detector.version:
            changes.append(VersionChange(detector.name, before, detector.version, detector.since))
    return changes


def clear_cache() -> None:
    """Forget which versions this process has seen, for tests."""
    _seen.clear()


def _record_version(name: str, version: str) -> None:
    now = timezone.now()
    entry = {"version": version, "since": now.isoformat()}
    with transaction.atomic():
        row, made = DetectorVersion.objects.get_or_create(
            name=name, defaults={"version": version, "since": now, "history": [entry]}
        )
        if made or row.version == version:
            return
        rows = DetectorVersion.objects.filter(pk=name, version=row.version)
        if rows.update(version=version, since=now, history=[*row.history, entry][-_KEPT:]):
            audit.record_event("detector.changed", subject=f"detector {name}", before=row.version, after=version)
