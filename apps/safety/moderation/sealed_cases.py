"""Sealed clauses (`policy.SEALED`): whoever reviews sees how many of their cases wait; only the people whom an
administrator named for them see which, claim them and read them (`apps/users/sealed_case_access.py`). A thing with a
sealed case is sealed whole: nobody else meets its words in another case or in feedback either."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.safety.models import Case
from apps.safety.models.case_states import UNDECIDED_STATES, CaseState
from apps.safety.policy import separation_of_duties
from apps.safety.policy.schema import SEALED_CLAUSES
from apps.users import sealed_case_access
from apps.users.models import User


def filter_readable(rows: QuerySet[Case], user: User) -> QuerySet[Case]:
    """Those of them that this person may open."""
    return rows if sealed_case_access.named(user) else rows.exclude(subject__in=sealed_subjects())


def sealed_subjects(*kinds: str) -> QuerySet[Case, str]:
    """The things, of those kinds or of all, that have or had a sealed case, whatever was decided."""
    rows = Case.objects.filter(area__in=SEALED_CLAUSES)
    return (rows.filter(kind__in=kinds) if kinds else rows).order_by().values_list("subject", flat=True)


def count_waiting(user: User) -> int:
    """Return how many cases of sealed things are undecided, without those about the user unless nobody else reviews."""
    undecided = Q(state__in=UNDECIDED_STATES | {CaseState.APPEALED, CaseState.APPEAL_CLAIMED})
    rows = Case.objects.filter(undecided, subject__in=sealed_subjects())
    return rows.filter(~Q(owner=user) | Q(owner=None) | separation_of_duties.own_cases(user)).count()
