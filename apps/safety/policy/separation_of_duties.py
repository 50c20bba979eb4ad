"""Check the separation of duties in review: which user may act, and whether another one could.

Nobody approves, judges or decides anything of their own while another user with that right can sign in. Otherwise the
act is allowed, logged as self-approved and shown as such. The functions that perform an act call
`require_administrator` and `has_other_…` themselves; nothing is logged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, Q, QuerySet
from django.utils.translation import gettext

from apps.safety.errors import ActionRefused
from apps.safety.policy.schema import SEALED_CLAUSES
from apps.users.models import User
from apps.users.special_permissions import SEALED as NAMED_FOR_SEALED

if TYPE_CHECKING:
    from apps.safety.models import Case


def require_administrator(user: User) -> None:
    """Raise ActionRefused unless the user is an active administrator."""
    if not (user.is_administrator and user.is_active):
        raise ActionRefused(gettext("Only administrators can do this."))


def has_other_administrator(*users: int | None) -> bool:
    """Return whether an active administrator exists beside these user ids; None among them is ignored."""
    return _others(User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True), users)


def has_other_reviewer(case: Case, *users: int | None) -> bool:
    """Return whether another active user could decide the case, beside its owner and these user ids (None is ignored).

    An escalated case needs an administrator, a sealed one a user who is named for sealed cases.
    """
    rows = User.objects.exclude(role=User.Role.MEMBER).filter(is_active=True)
    if case.escalated:
        rows = rows.filter(role=User.Role.ADMINISTRATOR)
    if case.clause in SEALED_CLAUSES:
        rows = rows.filter(**{NAMED_FOR_SEALED.field: True})
    return _others(rows, (*users, case.owner_id))


def own_cases(user: User) -> Q:
    """Return a filter for the cases about the user that the user may decide. Evaluated within the query of the cases.

    All of the user's cases if no other active reviewer exists; the escalated ones if the user is the only active
    administrator.
    """
    staff = User.objects.exclude(role=User.Role.MEMBER).filter(is_active=True).exclude(pk=user.pk)
    own = Q(owner=user) & Q(~Exists(staff))
    if user.is_administrator:
        own |= Q(owner=user, escalated=True) & Q(~Exists(staff.filter(role=User.Role.ADMINISTRATOR)))
    return own


def _others(rows: QuerySet[User], users: tuple[int | None, ...]) -> bool:
    return rows.exclude(pk__in=[pk for pk in users if pk]).exists()
