"""Close cases without a decision when the content or its owner is gone.

The frozen text of the case is not changed here.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import F

from apps.safety.audit_log import audit
from apps.safety.models import Case, SecondReview
from apps.safety.models.case_states import UNDECIDED_STATES, WAITING_STATES, CaseState

_AT_ONCE = 500  # subjects in one query


def close_deleted(kind: str, *subjects: str) -> None:
    """Close the undecided cases of deleted content.

    `subjects` are the ids of the deleted objects of `kind`. Appeals go on, as an appeal concerns the owner as well as
    the content. Each case gets the audit entry `case.vanished`. Call inside the transaction that deletes the objects;
    one query per 500 subjects.
    """
    for start in range(0, len(subjects), _AT_ONCE):
        some = subjects[start : start + _AT_ONCE]
        for case in Case.objects.filter(kind=kind, subject__in=some, state__in=UNDECIDED_STATES):
            _close(case, UNDECIDED_STATES)


def close_erased(case: Case) -> None:
    """Close the case of an erased user, also while an appeal of it is open.

    Does nothing if the case is decided. One transaction with the audit entry `case.vanished`.
    """
    _close(case, WAITING_STATES)


def _close(case: Case, states: Collection[CaseState]) -> None:
    with transaction.atomic():
        rows = Case.objects.filter(pk=case.pk, state__in=states)
        if rows.update(state=CaseState.AUTO_CLOSED, holder=None, lease_until=None, version=F("version") + 1):
            SecondReview.objects.filter(case=case, submitted=None).delete()  # requested before a decision
            audit.record_event("case.vanished", user=case.owner_id, subject=f"case {case.pk}")
