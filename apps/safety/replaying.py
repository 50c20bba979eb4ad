"""Another version of the policy over what was judged: which verdicts would have been others.

History is what became a case, with its words, and what was recorded of everything else, without them (`recorded.py`).
A version goes live only after a replay of exactly its text against the version that is live then (`policies.approve`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.safety import audit, levels, policies, recorded, separation, shadowing
from apps.safety.folding import Outcome, Signal
from apps.safety.levels import Level
from apps.safety.models import PolicyVersion, Recorded, Snapshot
from apps.safety.policy import Action, Policy, Stage, read
from apps.safety.shadowing import Change
from apps.users.models import User

REPLAYED = 5000  # of the latest texts that became a case
RECORDED = 20_000  # of the latest recorded verdicts that a page goes through, in a few seconds
LISTED = 50  # changed verdicts of each kind that are kept with a replay


@dataclass(frozen=True, slots=True)
class Past:
    """Something that was judged. `text` is None where no word of it was kept; `verdict` where it is to be computed."""

    stage: Stage
    level: Level
    signals: Sequence[Signal]
    text: str | None
    mark: str
    at: datetime
    policy: int | None = None
    verdict: Outcome | None = None
    allowance: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """A verdict that would have been another one. `mark` is by what its case is found, if there is one."""

    stage: str
    clause: str
    change: Change
    before: str
    after: str
    score: float
    mark: str
    at: datetime

    def row(self) -> dict[str, Any]:
        return {
            "stage": self.stage, "clause": self.clause, "change": str(self.change), "before": self.before,
            "after": self.after, "score": round(self.score, 3), "mark": self.mark, "at": self.at.isoformat(),
        }  # fmt: skip


def history(since: datetime | None, most: int) -> Iterator[Past]:
    """The latest first; of the same text only once where its words are there."""
    known: set[tuple[str, str]] = set()
    shots, rows = Snapshot.objects.order_by("-created"), Recorded.objects.order_by("-pk")
    if since is not None:
        shots = shots.filter(created__gte=since)
        rows = rows.filter(hour__gte=since.replace(minute=0, second=0, microsecond=0))
    for shot in shots[:REPLAYED]:
        mark = recorded.mark(shot.sha256)
        known.add((shot.stage, mark))
        signals = [Signal.of(signal) for signal in shot.signals]
        yield Past(Stage(shot.stage), levels.read(shot.level), signals, shot.words or None, mark, shot.created)
    for row in rows[:most].iterator(chunk_size=2000):
        if (row.stage, row.mark) not in known:
            was = Outcome(Action(row.action) if row.action else None, row.code, score=row.score)
            yield Past(Stage(row.stage), row.strictness, row.said, None, row.mark, row.hour, row.policy, was,
                       row.allowance)  # fmt: skip


def compared(past: Past, old: Policy, new: Policy) -> tuple[Outcome, Outcome]:
    """What the live version says of it, and what the new one would. Lists of the new one are looked for in the words;
    where none were kept, those that matched are taken as they were."""
    if past.allowance:  # a person has looked at exactly this text
        return Outcome(None), Outcome(None)
    if past.verdict is not None and past.policy == old.number:
        before = past.verdict
    else:
        before = levels.judged(past.stage, past.signals, old, past.level)
    same = new if past.text is None else None
    return before, shadowing.judged(past.stage, past.signals, past.text or "", 0, past.level, new, same)


def replay(user: User | None, row: PolicyVersion, since: datetime | None = None, most: int = RECORDED,
           told: Callable[[Changed], None] | None = None) -> dict[str, Any]:  # fmt: skip
    """Judges what was judged again, from the stored signals, and keeps with the version which verdicts would have
    changed; `told` hears of each. `user` is None where a command on the server asks. Raises PolicyError where the
    version cannot be read, and Refused."""
    if user is not None:
        separation.require_administrator(user)
    live = policies.live()
    new, old = read(row.body, row.number), read(live.body, live.number)
    stages, counts, worded = Counter[str](), Counter[tuple[str, str, str]](), 0
    kept: dict[Change, list[dict[str, Any]]] = defaultdict(list)
    for past in history(since, most):
        before, after = compared(past, old, new)
        stages[past.stage] += 1
        worded += past.text is not None
        if (change := shadowing.changed(before, after, past.signals)) is None:
            continue
        one = Changed(past.stage, after.code or before.code, change, str(before.action or ""), str(after.action or ""),
                      after.score or before.score, past.mark, past.at)  # fmt: skip
        counts[one.stage, one.clause, change] += 1
        if told is not None:
            told(one)
        if len(kept[change]) < LISTED:
            kept[change].append(one.row())
    judged = stages.total()
    found = {
        "judged": judged, "recorded": judged - worded, "changed": counts.total(), "stages": dict(stages),
        "counts": [[*key, number] for key, number in sorted(counts.items())], "sha256": row.sha256,
        "listed": [one for change in Change for one in kept[change]][:LISTED], "against": live.sha256,
        "since": since.isoformat() if since else "", "lists": _untried(old, new) if judged > worded else [],
    }  # fmt: skip
    PolicyVersion.objects.filter(pk=row.pk).update(replay=found)
    audit.record("policy.replayed", actor=user, subject=str(row), judged=judged, changed=counts.total())
    return found


def _untried(old: Policy, new: Policy) -> list[str]:
    """Names of lists that are new or changed, for which nobody can look in what was recorded without words."""
    return [own.name for key, own in new.lists.items() if old.lists.get(key) != own]
