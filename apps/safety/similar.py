"""What was decided about nearly the same text: shown to a reviewer once they have chosen for themselves."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz import fuzz, process

from apps.safety import review
from apps.safety.intake import folded
from apps.safety.models import Case, Decision
from apps.users.models import User

_AMONG = 500  # of the latest decisions under the clause
_SHOWN = 3
_ALIKE = 75  # of 100, as in `bulk`: less than there, for nothing is decided by it
_LONGEST = 4000  # characters; longer texts are alike only where they are the same


@dataclass(frozen=True, slots=True)
class Similar:
    decision: Decision
    percent: int  # of the text in common; 100: the same


def decided(user: User, case: Case) -> list[Similar]:
    """The likest first, one a case; only of cases that this person may see, and none that is about the same person's
    own history: that is shown apart."""
    rows = Decision.objects.filter(undone=None, clause=case.area, case__in=review.queue(user)).exclude(case=case)
    rows = rows.filter(case__snapshot__stage=case.snapshot.stage).exclude(case__snapshot__text="")
    if case.owner_id:
        rows = rows.exclude(case__owner=case.owner_id)
    last: dict[object, Decision] = {}
    for row in rows.select_related("case__snapshot").order_by("-created")[:_AMONG]:
        last.setdefault(row.case_id, row)
    same = [row for row in last.values() if row.case.snapshot.sha256 == case.snapshot.sha256]
    found = [Similar(row, 100) for row in same]
    text = folded(case.snapshot.words)
    if len(text) <= _LONGEST and text.strip():
        others = {row.case_id: folded(row.case.snapshot.words) for row in last.values()
                  if row not in same and len(row.case.snapshot.words) <= _LONGEST}  # fmt: skip
        near = process.extract(text, others, scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=_SHOWN)
        found += [Similar(last[key], round(score)) for _, score, key in near]
    return found[:_SHOWN]
