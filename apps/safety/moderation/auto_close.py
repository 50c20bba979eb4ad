"""Cases that end without a decision, because nothing is left to decide about. What was frozen stays."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import F

from apps.safety.audit_log import audit
from apps.safety.models import Case, Opinion
from apps.safety.models.case_states import UNDECIDED_STATES, CaseState

_UNSETTLED = (*UNDECIDED_STATES, CaseState.APPEALED, CaseState.APPEAL_CLAIMED)
_AT_ONCE = 500  # things that one query names


def close_deleted(kind: str, *subjects: str) -> None:
    """The things were deleted: nobody has to decide about them. An appeal goes on: it is about more than the thing.
    Call inside the transaction that deletes them; quick for many."""
    for start in range(0, len(subjects), _AT_ONCE):
        some = subjects[start : start + _AT_ONCE]
        for case in Case.objects.filter(kind=kind, subject__in=some, state__in=UNDECIDED_STATES):
            _close(case, UNDECIDED_STATES)


def close_erased(case: Case) -> None:
    """The person whose it is was erased: neither a decision nor their appeal is waited for."""
    _close(case, _UNSETTLED)


def _close(case: Case, states: Collection[CaseState]) -> None:
    with transaction.atomic():
        rows = Case.objects.filter(pk=case.pk, state__in=states)
        if rows.update(state=CaseState.AUTO_CLOSED, holder=None, lease_until=None, version=F("version") + 1):
            Opinion.objects.filter(case=case, given=None).delete()  # asked for before the decision that is not to come
            audit.record_event("case.vanished", person=case.owner_id, subject=f"case {case.pk}")
