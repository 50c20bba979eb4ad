"""Verdicts that a policy version would change: counts by clause and stage, and a list, for its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from apps.lib.proportions import Proportion
from apps.safety.models import PolicyVersion, ShadowVerdict
from apps.safety.moderation import cases
from apps.safety.verdict_log import recorder
from apps.safety.verdict_log.shadow import VerdictChange
from apps.users.models import User

MAX_LISTED = 100  # latest changes that are listed
_CASES = 5000  # latest cases in which the case of a changed verdict is searched
_Moved = tuple[str, str, str, str | None, str | None]  # stage, clause, change, action before and after


@dataclass(frozen=True, slots=True)
class ChangeCount:
    """Changed verdicts of a clause at a stage, as a share of all verdicts at the stage.

    The actions are "" for none; None in a backtest of a release that did not store them.
    """

    clause: str
    stage: str
    change: str
    before: str | None
    after: str | None
    share: Proportion


@dataclass(frozen=True, slots=True)
class ChangeTable:
    """Changed verdicts of a version, gravest change first."""

    rows: Sequence[ChangeCount]
    evaluated: int

    @property
    def changed(self) -> Proportion:
        return Proportion(sum(row.share.part for row in self.rows), self.evaluated)


@dataclass(frozen=True, slots=True)
class ListedChange:
    """Changed verdict. `case_id` is the id of a case about the text that the user may open; None if there is none."""

    stage: str
    clause: str
    change: str
    before: str
    after: str
    score: float
    at: datetime
    case_id: object = None


def count_shadow_changes(version: PolicyVersion) -> ChangeTable:
    """Return the counts over all stored verdicts from the time that the version ran in the shadow."""
    keys = "stage", "clause", "change", "record__action", "action"
    verdicts = ShadowVerdict.objects.filter(policy=version).values_list(*keys).annotate(Count("pk"))
    stages, counts = Counter[str](), Counter[_Moved]()
    for stage, clause, change, before, after, number in verdicts.order_by():
        stages[stage] += number
        if change:
            counts[stage, clause, change, before, after] += number
    return _table(stages, counts.items())


def count_backtest_changes(version: PolicyVersion) -> ChangeTable | None:
    """Return the counts of the last backtest of the version; None if there is none."""
    backtest = version.backtest
    if not backtest:
        return None
    rows = (
        ((stage, clause, change, *(actions or (None, None))), number)
        for stage, clause, change, *actions, number in backtest["counts"]
    )
    return _table(backtest["stages"], rows)


def list_shadow_changes(user: User, version: PolicyVersion) -> list[ListedChange]:
    """Return up to 100 changes, latest first."""
    rows = (
        ShadowVerdict.objects.filter(policy=version)
        .exclude(change="")
        .select_related("record")
        .order_by("-pk")[:MAX_LISTED]
    )
    cases = _cases(user, {(verdict.stage, verdict.record.content_hmac) for verdict in rows})
    return [
        ListedChange(verdict.stage, verdict.clause, verdict.change, verdict.record.action, verdict.action,
            verdict.score or verdict.record.score, verdict.record.hour,
            cases.get((verdict.stage, verdict.record.content_hmac)))
        for verdict in rows
    ]  # fmt: skip


def list_backtest_changes(user: User, version: PolicyVersion) -> list[ListedChange]:
    """Return the changes stored with the backtest, gravest first."""
    listed = (version.backtest or {}).get("listed", []) if count_backtest_changes(version) else []
    cases = _cases(user, {(change["stage"], change["mark"]) for change in listed})
    return [
        ListedChange(change["stage"], change["clause"], change["change"], change["before"], change["after"],
            change["score"], datetime.fromisoformat(change["at"]), cases.get((change["stage"], change["mark"])))
        for change in listed
    ]  # fmt: skip


def _table(stages: Mapping[str, int], counts: Iterable[tuple[_Moved, int]]) -> ChangeTable:
    order = list(VerdictChange)
    rows = [
        ChangeCount(clause, stage, change, before, after, Proportion(number, stages[stage]))
        for (stage, clause, change, before, after), number in counts
    ]
    rows.sort(key=lambda row: (order.index(VerdictChange(row.change)), -row.share.part, row.clause, row.stage))
    return ChangeTable(rows, sum(stages.values()))


def _cases(user: User, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """Return the id of the latest case about each of these texts that the user may open."""
    latest: dict[tuple[str, str], Any] = {}
    if not any(mark for _, mark in wanted):
        return latest
    rows = cases.visible_cases(user).order_by("-created").values_list("pk", "snapshot__stage", "snapshot__sha256")
    for pk, stage, sha256 in rows[:_CASES]:
        key = stage, recorder.keyed_hash(sha256)
        if key in wanted:
            latest.setdefault(key, pk)
    return latest
