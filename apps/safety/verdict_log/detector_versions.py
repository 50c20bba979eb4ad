"""Which version of each detector judges here, and since when: new weights are another detector, whose scores the
thresholds of a policy were not set for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.safety.audit_log import audit
from apps.safety.models.detector_version import Detector
from apps.safety.policy.evaluation import BLOCKLIST_DETECTOR, Signal, SignalStatus

if TYPE_CHECKING:
    from apps.safety.models import PolicyVersion

_KEPT = 20  # versions of one detector
_UNSCORED = frozenset({"rules", "personal", "canary"})  # no threshold is set for what they say

_seen: dict[str, str] = {}  # by this process


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A detector that is another one than when a policy was written."""

    name: str
    before: str
    now: str
    since: datetime


def record_versions(signals: Iterable[Signal]) -> None:
    """Whoever judged is known; a version that was not the last one is in the log. Costs nothing where all are known."""
    for signal in signals:
        if signal.status is not SignalStatus.OK or signal.detector == BLOCKLIST_DETECTOR or not signal.version:
            continue
        if _seen.get(signal.detector) != signal.version:
            _record_version(signal.detector, signal.version[:120])
            _seen[signal.detector] = signal.version


def find_version_changes(row: PolicyVersion) -> list[VersionChange]:
    """Those whose scores mean something else by now than when that version's thresholds were set."""
    found = []
    for one in Detector.objects.exclude(name__in=_UNSCORED):
        before = one.at(row.created)
        if before != one.version:
            found.append(VersionChange(one.name, before, one.version, one.since))
    return found


def clear_cache() -> None:
    """The next one who judges is looked up again (tests)."""
    _seen.clear()


def _record_version(name: str, version: str) -> None:
    now = timezone.now()
    entry = {"version": version, "since": now.isoformat()}
    with transaction.atomic():
        row, made = Detector.objects.get_or_create(
            name=name, defaults={"version": version, "since": now, "history": [entry]}
        )
        if made or row.version == version:
            return
        rows = Detector.objects.filter(pk=name, version=row.version)
        if rows.update(version=version, since=now, history=[*row.history, entry][-_KEPT:]):
            audit.record_event("detector.changed", subject=f"detector {name}", before=row.version, after=version)
