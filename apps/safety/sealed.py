"""Sealed clauses (`policy.SEALED`): whoever reviews sees how many of their cases wait; only the people whom an
administrator named for them see which, claim them and read them (`apps/users/sealed.py`)."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.safety.models import Case
from apps.safety.policy import SEALED
from apps.safety.transitions import LIVE, State
from apps.users import sealed
from apps.users.models import User


def opened(rows: QuerySet[Case], user: User) -> QuerySet[Case]:
    """Those of them that this person may open."""
    return rows if sealed.named(user) else rows.exclude(area__in=SEALED)


def waiting(user: User) -> int:
    """How many sealed cases nobody has decided, but those about the person themselves."""
    undecided = Q(state__in=LIVE | {State.APPEALED, State.APPEAL_CLAIMED})
    return Case.objects.filter(undecided, area__in=SEALED).exclude(owner=user).count()
