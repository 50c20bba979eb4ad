"""Find earlier decisions about nearly the same text, shown to a reviewer after their own choice."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz import fuzz, process

from apps.safety.models import Case, Decision
from apps.safety.moderation import cases
from apps.safety.text.normalization import fold_for_detection
from apps.users.models import User

_AMONG = 500  # latest decisions under the clause that are compared
_SHOWN = 3
_ALIKE = 75  # of 100, as in `bulk_decisions`; lower than there, as it only informs the reviewer
_LONGEST = 4000  # characters; longer texts match only if they are equal


@dataclass(frozen=True, slots=True)
class SimilarDecision:
    """Decision about a similar text."""

    decision: Decision
    percent: int  # of the text in common; 100: equal


def find_similar_decisions(user: User, case: Case) -> list[SimilarDecision]:
    """Return up to 3 decisions about similar texts, most similar first, one per case.

    Only cases that the user may see. Cases of the same owner are left out, as the page shows the owner's history
    separately.
    """
    rows = Decision.objects.filter(undone=None, clause=case.clause, case__in=cases.visible_cases(user)).exclude(
        case=case
    )
    rows = rows.filter(case__snapshot__stage=case.snapshot.stage).exclude(case__snapshot__text="")
    if case.owner_id:
        rows = rows.exclude(case__owner=case.owner_id)
    last: dict[object, Decision] = {}
    for row in rows.select_related("case__snapshot").order_by("-created")[:_AMONG]:
        last.setdefault(row.case_id, row)
    same = [row for row in last.values() if row.case.snapshot.sha256 == case.snapshot.sha256]
    found = [SimilarDecision(row, 100) for row in same]
    text = fold_for_detection(case.snapshot.readable_text)
    if len(text) <= _LONGEST and text.strip():
        others = {row.case_id: fold_for_detection(row.case.snapshot.readable_text) for row in last.values()
                  if row not in same and len(row.case.snapshot.readable_text) <= _LONGEST}  # fmt: skip
        near = process.extract(text, others, scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=_SHOWN)
        found += [SimilarDecision(last[key], round(score)) for _, score, key in near]
    return found[:_SHOWN]
