"""What people decided, as labels to learn from: only of those who agreed, never of sealed clauses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apps.safety.models import Decision
from apps.safety.policy import SEALED

_HARMLESS = {Decision.Outcome.ALLOW, Decision.Outcome.OVERTURN}


def labels() -> Iterator[dict[str, Any]]:
    """The text, its clause, whether it is against it, and the decision that says so: the last one that stands."""
    rows = Decision.objects.filter(undone=None, owner__lends_decisions=True).exclude(clause__in=SEALED)
    last: dict[Any, Decision] = {}
    for row in rows.select_related("case__snapshot", "policy").order_by("created"):
        if row.case.snapshot.text:
            last[row.case_id] = row
    for row in last.values():
        harmful = row.outcome not in _HARMLESS
        yield {
            "decision": str(row.pk), "text": row.case.snapshot.text, "stage": row.case.snapshot.stage,
            "clause": row.clause, "harmful": harmful, "policy": row.policy.sha256,
        }  # fmt: skip
