"""What another threshold would have found: precision and recall among decided texts, by clause and stage."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from apps.safety import policies, wording
from apps.safety.figures import HARMFUL, Share
from apps.safety.models import Decision, PolicyVersion
from apps.safety.policy import ORDER, Action, PolicyError, Stage, read
from apps.users.language import inside
from apps.users.models import User

CUTS = tuple(number / 20 for number in range(1, 21))
LATEST = 5000  # decisions
SMALL = 30  # decided texts below which a threshold says little

Scored = dict[tuple[str, str], list[tuple[float, bool]]]  # by clause and stage: score, and whether it was against it


@dataclass(frozen=True, slots=True)
class Cut:
    """Among decided texts with a score, what lies at or above `least`. Recall is of what was flagged at all."""

    least: float
    held: int  # texts at or above it
    precision: Share
    recall: Share


@dataclass(frozen=True, slots=True)
class Choice:
    """A clause and stage whose score people have decided about."""

    clause: str
    stage: str
    texts: int

    @property
    def value(self) -> str:
        return f"{self.clause}:{self.stage}"

    @property
    def label(self) -> str:
        return f"{wording.clause(self.clause)}, {inside(wording.stage(self.stage))} ({self.texts})"


def scored() -> Scored:
    """Of the last decision of each case that stands; the highest score where several detectors gave one."""
    rows = Decision.objects.filter(undone=None).select_related("case__snapshot").order_by("-created")
    rows = rows.defer("case__snapshot__text", "case__snapshot__context")[:LATEST]
    last: dict[Any, Decision] = {}
    for row in rows:
        last.setdefault(row.case_id, row)
    found: Scored = defaultdict(list)
    for row in last.values():
        shot = row.case.snapshot
        highest: dict[str, float] = {}
        for signal in shot.signals:
            for label, score in signal.get("scores", {}).items():
                highest[label] = max(score, highest.get(label, 0.0))
        bad = row.outcome in HARMFUL
        for label, score in highest.items():
            if not bad or row.clause == label:  # what was against another clause says nothing about this one
                found[label, shot.stage].append((score, bad))
    return dict(found)


def choices(found: Scored) -> list[Choice]:
    """Those with most texts first."""
    rows = [Choice(clause, stage, len(texts)) for (clause, stage), texts in found.items()]
    return sorted(rows, key=lambda row: (-row.texts, row.value))


def cut(texts: Sequence[tuple[float, bool]], least: float) -> Cut:
    above = [bad for score, bad in texts if score >= least]
    return Cut(least, len(above), Share(sum(above), len(above)), Share(sum(above), sum(bad for _, bad in texts)))


def cuts(texts: Sequence[tuple[float, bool]]) -> list[Cut]:
    return [cut(texts, least) for least in CUTS]


def steps(clause: str, stage: str) -> list[tuple[float, Action]]:
    """Of the policy in force, ascending."""
    found = read(policies.live().body).clause(clause)
    here: Mapping[Stage, Any] = found.steps if found else {}
    return [(step.least, step.action) for step in here.get(Stage(stage), ())]


def draft(user: User, clause: str, stage: str, least: float, action: str) -> PolicyVersion:
    """A draft of the policy in which this action begins at `least`. Raises PolicyError where the steps would no longer
    grow harder with the score."""
    if not 0 < least <= 1:
        raise PolicyError(gettext("A threshold lies between 0 and 1."))
    body = copy.deepcopy(policies.live().body)
    row = next((row for row in body["clauses"] if row["code"] == clause), None)
    if row is None or stage not in list(Stage) or action not in list(Action):
        raise PolicyError(gettext("Choose a clause, a stage and what happens from the threshold on."))
    # What is milder and begins at or above it says nothing any more; what is harder is never taken out unasked.
    hard, old = ORDER.index(Action(action)), row["steps"].get(stage, [])
    old = [step for step in old if ORDER.index(Action(step["action"])) > hard
           or (step["action"] != action and step["least"] < least)]  # fmt: skip
    row["steps"][stage] = sorted([*old, {"least": round(least, 4), "action": action}], key=lambda step: step["least"])
    said = gettext("%(clause)s, %(stage)s: %(action)s from %(least)s on")
    names = {"clause": wording.clause(clause), "stage": wording.stage(stage), "action": wording.action(action)}
    return policies.draft(user, body, said % {**names, "least": f"{least:.2f}"})
