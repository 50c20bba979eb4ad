"""Restrict sealed cases to the users who are named for them.

Every reviewer sees how many cases of sealed clauses (`policy.schema.SEALED_CLAUSES`) wait. Only users whom an
administrator named (`apps/users/special_permissions.py`) see, claim and read them. Content with a sealed case is sealed
as a whole: its other cases and its feedback are hidden from other reviewers too.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.safety.models import Case
from apps.safety.models.case_states import WAITING_STATES
from apps.safety.policy import separation_of_duties
from apps.safety.policy.schema import SEALED_CLAUSES
from apps.users.models import User
from apps.users.special_permissions import SEALED


def filter_readable(rows: QuerySet[Case], user: User) -> QuerySet[Case]:
    """Return those of the cases that the user may open."""
    return rows if SEALED.is_held_by(user) else rows.exclude(subject__in=sealed_subjects())


def sealed_subjects(*kinds: str) -> QuerySet[Case, str]:
    """Return the ids of content that has or had a sealed case, whatever was decided.

    `kinds` restricts them to these kinds of content; no argument: all kinds.
    """
    rows = Case.objects.filter(clause__in=SEALED_CLAUSES)
    return (rows.filter(kind__in=kinds) if kinds else rows).order_by().values_list("subject", flat=True)


def count_waiting(user: User) -> int:
    """Return how many cases of sealed content are undecided, without those about the user if another user reviews."""
    rows = Case.objects.filter(state__in=WAITING_STATES, subject__in=sealed_subjects())
    return rows.filter(~Q(owner=user) | Q(owner=None) | separation_of_duties.own_cases(user)).count()
