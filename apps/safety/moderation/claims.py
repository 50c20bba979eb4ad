"""Keep a reviewer's claim while the page of a case is open, and release the next case after an undo."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.lib.db import leases
from apps.safety.errors import ActionRefused
from apps.safety.models.case_states import CaseMove
from apps.safety.moderation import cases
from apps.users.models import User


def renew_claim(user: User, pk: Any, token: str) -> str:
    """Extend the claim to ten minutes from now and return its token.

    The token is new if the claim had expired and the case was still free. Raise ActionRefused if another reviewer has
    the case.
    """
    rows = cases.visible_cases(user).filter(state__in=cases.CLAIMED_STATES, holder=user, lease_until__gt=timezone.now())
    if leases.renew(rows, pk, token, cases.LEASE_S):
        return token
    return cases.claim_case(user, pk).lease_token


def release_claim(user: User, case_id: str) -> bool:
    """Release the case that the page opened after a decision which was then undone; return whether it was released.

    Return False if `case_id`, which the page sent, is no id, or the user does not hold that case.
    """
    try:
        pk = UUID(case_id)
    except ValueError:
        return False
    case = cases.visible_cases(user).filter(pk=pk, state__in=cases.CLAIMED_STATES, holder=user).first()
    if case is None:
        return False
    with suppress(ActionRefused):
        cases.release_case(user, pk, case.lease_token, CaseMove.RELEASE)
        return True
    return False
