"""Backtest a policy version and preview a draft: find past verdicts that it would change.

History consists of the frozen texts of cases, and of all other verdicts recorded without text (`verdict_log.recorder`).
A version goes live only after a backtest of exactly its text against the live version
(`policy.versions.approve_version`).
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.safety.audit_log import audit
from apps.safety.models import PolicyVersion, RecordedVerdict, Snapshot
from apps.safety.models.strictness import Strictness, parse_strictness
from apps.safety.policy import separation_of_duties, strictness, versions
from apps.safety.policy.evaluation import PolicyResult, Signal
from apps.safety.policy.schema import Action, Policy, Stage, parse_policy
from apps.safety.verdict_log import recorder, shadow
from apps.safety.verdict_log.shadow import VerdictChange
from apps.users.models import User

MAX_CASES = 5000  # latest texts of cases
MAX_RECORDS = 20_000  # latest recorded verdicts; takes a page a few seconds
MAX_LISTED = 50  # changed verdicts of each kind that are stored with a backtest


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """Past verdict. `text` is None if no text was stored; `result` is None if it has to be computed.

    `content_hmac` is the keyed hash of the text.
    """

    stage: Stage
    strictness: Strictness
    signals: Sequence[Signal]
    text: str | None
    content_hmac: str
    at: datetime
    policy_number: int | None = None
    result: PolicyResult | None = None
    allowlisted: bool = False


@dataclass(frozen=True, slots=True)
class BacktestChange:
    """Past verdict that the version would change. Its case is found by `content_hmac`, the keyed hash of its text."""

    stage: str
    clause: str
    change: VerdictChange
    before: str
    after: str
    score: float
    content_hmac: str
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the change as JSON."""
        return {
            "stage": self.stage, "clause": self.clause, "change": str(self.change), "before": self.before,
            "after": self.after, "score": round(self.score, 3), "mark": self.content_hmac, "at": self.at.isoformat(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class PreviewedChange:
    """Number of verdicts that would change from one action to another; "" is no action."""

    change: VerdictChange
    before: str
    after: str
    count: int


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """Verdicts that changed clauses would change, gravest change first.

    `complete` is False if the time ended before all verdicts were counted.
    """

    evaluated: int
    changes: Sequence[PreviewedChange]
    complete: bool

    @property
    def changed(self) -> int:
        return sum(one.count for one in self.changes)

    @property
    def newly_withheld(self) -> int:
        return self._count(VerdictChange.WOULD_WITHHOLD)

    @property
    def newly_allowed(self) -> int:
        return self._count(VerdictChange.WOULD_ALLOW, VerdictChange.WOULD_ALLOW_UNCLASSIFIED)

    def _count(self, *kinds: VerdictChange) -> int:
        return sum(one.count for one in self.changes if one.change in kinds)


def past_verdicts(since: datetime | None, max_records: int) -> Iterator[PastVerdict]:
    """Yield past verdicts, latest first: up to MAX_CASES frozen texts, then up to `max_records` recorded verdicts.

    A text that has a case is yielded once; suspensions of accounts are no verdicts. `since` None: no lower limit.
    """
    with_case: set[tuple[str, str]] = set()
    snapshots = Snapshot.objects.filter(stage__in=Stage.values).order_by("-created")
    rows = RecordedVerdict.objects.order_by("-pk")
    if since is not None:
        snapshots = snapshots.filter(created__gte=since)
        rows = rows.filter(hour__gte=since.replace(minute=0, second=0, microsecond=0))
    for snapshot in snapshots[:MAX_CASES]:
        content_hmac = recorder.keyed_hash(snapshot.sha256)
        with_case.add((snapshot.stage, content_hmac))
        yield PastVerdict(
            Stage(snapshot.stage), parse_strictness(snapshot.strictness), _parse_signals(snapshot),
            snapshot.readable_text or None, content_hmac, snapshot.created,
        )  # fmt: skip
    for row in rows[:max_records].iterator(chunk_size=2000):
        if (row.stage, row.content_hmac) not in with_case:
            result = PolicyResult(Action(row.action) if row.action else None, row.code, score=row.score)
            yield PastVerdict(
                Stage(row.stage), parse_strictness(row.strictness), _parse_signals(row), None, row.content_hmac,
                row.hour, row.policy, result, row.allowlisted,
            )  # fmt: skip


def _parse_signals(row: Snapshot | RecordedVerdict) -> list[Signal]:
    return [Signal.from_json(signal) for signal in row.signals]


def compare_versions(past: PastVerdict, old: Policy, new: Policy) -> tuple[PolicyResult, PolicyResult]:
    """Return the result of the old and of the new version.

    The new version's blocklists are matched against the text; without text, the recorded matches are reused.
    """
    if past.allowlisted:  # a reviewer allowed exactly this text
        return PolicyResult(None), PolicyResult(None)
    if past.result is not None and past.policy_number == old.number:
        before = past.result
    else:
        before = strictness.evaluate_at(past.stage, past.signals, old, past.strictness)
    same = new if past.text is None else None
    return before, shadow.evaluate_shadow(past.stage, past.signals, past.text or "", 0, past.strictness, new, same)


def run_backtest(user: User | None, row: PolicyVersion, since: datetime | None = None, max_records: int = MAX_RECORDS,
           on_change: Callable[[BacktestChange], None] | None = None) -> dict[str, Any]:  # fmt: skip
    """Evaluate past signals under the version, and store and return the changes.

    `on_change` is called per change. `user` None: a command on the server; else an administrator. Result and audit
    entry `policy.replayed` are one transaction. Raise ActionRefused, or PolicyError for an invalid version.
    """
    if user is not None:
        separation_of_duties.require_administrator(user)
    live = versions.get_live_version()
    new, old = parse_policy(row.body, row.number), parse_policy(live.body, live.number)
    stages, counts, with_text = Counter[str](), Counter[tuple[str, str, str, str, str]](), 0
    listed: dict[VerdictChange, list[dict[str, Any]]] = defaultdict(list)
    for past in past_verdicts(since, max_records):
        before, after = compare_versions(past, old, new)
        stages[past.stage] += 1
        with_text += past.text is not None
        if (change := shadow.classify_change(before, after, past.signals)) is None:
            continue
        moved = BacktestChange(
            past.stage, after.code or before.code, change, str(before.action or ""), str(after.action or ""),
            after.score or before.score, past.content_hmac, past.at,
        )  # fmt: skip
        counts[moved.stage, moved.clause, change, moved.before, moved.after] += 1
        if on_change is not None:
            on_change(moved)
        if len(listed[change]) < MAX_LISTED:
            listed[change].append(moved.to_json())
    judged = stages.total()
    backtest = {
        "judged": judged, "recorded": judged - with_text, "changed": counts.total(), "stages": dict(stages),
        "counts": [[*key, number] for key, number in sorted(counts.items())], "sha256": row.sha256,
        "listed": [one for change in VerdictChange for one in listed[change]][:MAX_LISTED],
        "against": live.sha256, "since": since.isoformat() if since else "",
        "lists": _untestable_blocklists(old, new) if judged > with_text else [],
    }  # fmt: skip
    with transaction.atomic():
        PolicyVersion.objects.filter(pk=row.pk).update(backtest=backtest)
        audit.record_event("policy.replayed", actor=user, subject=str(row), judged=judged, changed=counts.total())
    return backtest


def preview_changes(user: User, body: Mapping[str, Any], days: int, budget_s: float) -> ChangePreview:
    """Count the verdicts of the last `days` days that clauses like these would change, latest cases first.

    Blocklists are not matched again. Counting ends after `budget_s` seconds. Nothing is stored. Administrators only:
    raise ActionRefused for other users, PolicyError for an invalid body.
    """
    separation_of_duties.require_administrator(user)
    end, live = time.monotonic() + budget_s, versions.get_live_version()
    old, new = parse_policy(live.body, live.number), parse_policy(body)
    evaluated, counts, complete = 0, Counter[tuple[VerdictChange, str, str]](), True
    for past in past_verdicts(timezone.now() - timedelta(days=days), MAX_RECORDS):
        if time.monotonic() > end:
            complete = False
            break
        evaluated += 1
        before, after = compare_versions(replace(past, text=None), old, new)
        if (change := shadow.classify_change(before, after, past.signals)) is not None:
            counts[change, str(before.action or ""), str(after.action or "")] += 1
    order = list(VerdictChange)
    moves = sorted(counts.items(), key=lambda counted: (order.index(counted[0][0]), -counted[1]))
    return ChangePreview(evaluated, [PreviewedChange(*moved, number) for moved, number in moves], complete)


def _untestable_blocklists(old: Policy, new: Policy) -> list[str]:
    """Return the names of new or changed blocklists, which cannot be matched against verdicts recorded without text."""
    return [blocklist.name for key, blocklist in new.blocklists.items() if old.blocklists.get(key) != blocklist]
