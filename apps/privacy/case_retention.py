"""Delete frozen texts of settled cases `CASE_TEXT_DAYS` after the last decision and the time for appeals.

Users and cases under a legal hold are skipped. A tombstone with hash and verdict remains.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.privacy.models import LegalHold
from apps.privacy.tombstones import replace_with_tombstone
from apps.safety.audit_log import audit
from apps.safety.models import Case, SecondReview
from apps.safety.models.case_states import CaseState
from apps.safety.moderation import appeals

_AT_ONCE = 50  # cases per run; the next run continues


def due_cases(days: int) -> QuerySet[Case]:
    """Return the cases settled `days` days ago whose text is not needed: no second review waits, no legal hold."""
    now = timezone.now()
    settled = Coalesce(Max("decisions__created", filter=Q(decisions__undone=None)), "created")
    over, appealable = now - timedelta(days=days), now - timedelta(days=days + appeals.APPEAL_DAYS)
    rows = Case.objects.annotate(settled=settled).filter(
        Q(state__in=[CaseState.UPHELD, CaseState.OVERTURNED, CaseState.AUTO_CLOSED], settled__lt=over)
        | Q(state=CaseState.DECIDED, settled__lt=appealable)
    )
    return (
        rows.exclude(snapshot__in=SecondReview.objects.filter(submitted=None).values("snapshot"))
        .exclude(owner__in=LegalHold.objects.values("user"))
        .exclude(legal_hold=True)
        .order_by("settled")
    )


def delete_due_texts() -> int:
    """Delete due texts, at most `_AT_ONCE`, and return how many. Periodic job of the worker."""
    days = settings.CASE_TEXT_DAYS
    if not days:
        return 0
    cases = due_cases(days).exclude(snapshot__text="").select_related("snapshot")[:_AT_ONCE]
    for case in cases:
        with transaction.atomic():
            replace_with_tombstone(case.snapshot)
            audit.record_event("case.emptied", user=case.owner_id, subject=f"case {case.pk}", days=days)
    return len(cases)
