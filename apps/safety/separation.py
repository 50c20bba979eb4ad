"""Who may do what in review, and whether somebody else could: the separation of duties.

Nobody approves, judges or decides what is their own while somebody else with that right can sign in. Where nobody else
can, the act is allowed, logged as self-approved and shown as such. `require_administrator` and the `has_other_…`
functions are called by the verbs themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, Q, QuerySet
from django.utils.translation import gettext

from apps.safety.policy import SEALED
from apps.safety.transitions import Refused
from apps.users.duties import SEALED as NAMED_FOR_SEALED
from apps.users.models import User

if TYPE_CHECKING:
    from apps.safety.models import Case


def require_administrator(user: User) -> None:
    """Raise Refused unless the user administers and may sign in."""
    if not (user.is_administrator and user.is_active):
        raise Refused(gettext("Only administrators may do that."))


def has_other_administrator(*users: int | None) -> bool:
    """Return whether an administrator can sign in who is none of these."""
    return _others(User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True), users)


def has_other_reviewer(case: Case, *users: int | None) -> bool:
    """Return whether somebody could decide the case who is none of these, nor the one that it is about."""
    rows = User.objects.exclude(role=User.Role.MEMBER).filter(is_active=True)
    if case.escalated:
        rows = rows.filter(role=User.Role.ADMINISTRATOR)
    if case.area in SEALED:
        rows = rows.filter(**{NAMED_FOR_SEALED.field: True})
    return _others(rows, (*users, case.owner_id))


def own_cases(user: User) -> Q:
    """Return which cases about the user the user may decide: all where nobody else reviews, and for the only
    administrator those that were escalated. Asked within the query of the cases."""
    staff = User.objects.exclude(role=User.Role.MEMBER).filter(is_active=True).exclude(pk=user.pk)
    own = Q(owner=user) & Q(~Exists(staff))
    if user.is_administrator:
        own |= Q(owner=user, escalated=True) & Q(~Exists(staff.filter(role=User.Role.ADMINISTRATOR)))
    return own


def _others(rows: QuerySet[User], users: tuple[int | None, ...]) -> bool:
    return rows.exclude(pk__in=[pk for pk in users if pk]).exists()
