"""What a version of the policy would change, as counts by clause and stage and as a list; for its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from apps.safety import recorded, review
from apps.safety.figures import Share
from apps.safety.models import PolicyVersion, Shadowed
from apps.safety.shadowing import Change
from apps.users.models import User

LISTED = 100  # of the latest
_CASES = 5000  # among which the case of a changed verdict is looked for


@dataclass(frozen=True, slots=True)
class Row:
    """So many verdicts on this clause at this stage, among all at the stage."""

    clause: str
    stage: str
    change: str
    share: Share


@dataclass(frozen=True, slots=True)
class Table:
    rows: Sequence[Row]
    judged: int

    @property
    def changed(self) -> Share:
        return Share(sum(row.share.part for row in self.rows), self.judged)


@dataclass(frozen=True, slots=True)
class One:
    """A changed verdict; `case` is the one about that text, where there is one that its reader may open."""

    stage: str
    clause: str
    change: str
    before: str
    after: str
    score: float
    at: datetime
    case: object = None


def shadowed(row: PolicyVersion) -> Table:
    """Of everything that was judged while it ran in the shadow, and is still kept."""
    found = Shadowed.objects.filter(policy=row).values_list("stage", "clause", "change").annotate(Count("pk"))
    stages, counts = Counter[str](), Counter[tuple[str, str, str]]()
    for stage, clause, change, number in found.order_by():
        stages[stage] += number
        if change:
            counts[stage, clause, change] += number
    return _table(stages, counts.items())


def replayed(row: PolicyVersion) -> Table | None:
    """Return the counts of the last replay of the version; None where there is none."""
    found = row.replay
    if not found:
        return None
    return _table(found["stages"], (((stage, clause, change), n) for stage, clause, change, n in found["counts"]))


def listed_shadow(user: User, row: PolicyVersion) -> list[One]:
    """The latest first."""
    rows = Shadowed.objects.filter(policy=row).exclude(change="").select_related("record").order_by("-pk")[:LISTED]
    cases = _cases(user, {(one.stage, one.record.mark) for one in rows})
    return [
        One(one.stage, one.clause, one.change, one.record.action, one.action, one.score or one.record.score,
            one.record.hour, cases.get((one.stage, one.record.mark)))
        for one in rows
    ]  # fmt: skip


def listed_replay(user: User, row: PolicyVersion) -> list[One]:
    """The gravest first."""
    found = (row.replay or {}).get("listed", []) if replayed(row) else []
    cases = _cases(user, {(one["stage"], one["mark"]) for one in found})
    return [
        One(one["stage"], one["clause"], one["change"], one["before"], one["after"], one["score"],
            datetime.fromisoformat(one["at"]), cases.get((one["stage"], one["mark"])))
        for one in found
    ]  # fmt: skip


def _table(stages: Mapping[str, int], counts: Iterable[tuple[tuple[str, str, str], int]]) -> Table:
    order = list(Change)
    rows = [Row(clause, stage, change, Share(number, stages[stage])) for (stage, clause, change), number in counts]
    rows.sort(key=lambda row: (order.index(Change(row.change)), -row.share.part, row.clause, row.stage))
    return Table(rows, sum(stages.values()))


def _cases(user: User, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """The latest case about each of these texts that this person may open."""
    found: dict[tuple[str, str], Any] = {}
    if not any(mark for _, mark in wanted):
        return found
    rows = review.queue(user).order_by("-created").values_list("pk", "snapshot__stage", "snapshot__sha256")
    for pk, stage, sha256 in rows[:_CASES]:
        key = stage, recorded.mark(sha256)
        if key in wanted:
            found.setdefault(key, pk)
    return found
