"""Export reviewers' decisions as training labels: only of users who consented, never of sealed clauses."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import transaction

from apps.safety.audit_log import audit
from apps.safety.models import Decision
from apps.safety.policy.evaluation import ACCOUNT
from apps.safety.policy.schema import SEALED_CLAUSES

_HARMLESS = {Decision.Outcome.ALLOW, Decision.Outcome.OVERTURN}


def export_labels() -> list[dict[str, Any]]:
    """Return a row per case: text, clause, whether it is harmful by the last standing decision, and that decision.

    Each user with exported texts gets an audit entry `read` with their number, in one transaction. No permission is
    checked; only the command `export_labels` calls it.
    """
    rows = _last_decisions()
    with transaction.atomic():
        for pk, texts in sorted(Counter(row.owner_id for row in rows if row.owner_id).items()):
            audit.record_event("read", user=pk, subject="labels", why="export of decided texts", texts=texts)
    return [
        {
            "decision": str(row.pk), "text": row.case.snapshot.readable_text, "stage": row.case.snapshot.stage,
            "clause": row.clause, "harmful": row.outcome not in _HARMLESS, "policy": row.policy.sha256,
        }
        for row in rows
    ]  # fmt: skip


def _last_decisions() -> list[Decision]:
    rows = Decision.objects.filter(undone=None, owner__allows_training_on_decisions=True).exclude(
        clause__in=[*SEALED_CLAUSES, ACCOUNT]
    )
    last: dict[Any, Decision] = {}
    for row in rows.select_related("case__snapshot", "policy").order_by("created"):
        if row.case.snapshot.readable_text:
            last[row.case_id] = row
    return list(last.values())
