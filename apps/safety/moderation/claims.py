"""What a reviewer holds: kept while they are at it, and put back where it came to them only by a decision that they
took back."""

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
    """The token of a claim that lasts from now on: the same one where it still held, another one where it had run out
    and nobody had taken the case. Raises Refused where somebody has."""
    rows = cases.visible_cases(user).filter(state__in=cases.CLAIMED_STATES, holder=user, lease_until__gt=timezone.now())
    if leases.renew(rows, pk, token, cases.LEASE_S):
        return token
    return cases.claim_case(user, pk).lease_token


def release_claim(user: User, sent: str) -> bool:
    """The case that a page opened by itself waits again, where this person still holds it; False where they do not, or
    what was sent names none."""
    try:
        pk = UUID(sent)
    except ValueError:
        return False
    found = cases.visible_cases(user).filter(pk=pk, state__in=cases.CLAIMED_STATES, holder=user).first()
    if found is None:
        return False
    with suppress(ActionRefused):
        cases.release_case(user, pk, found.lease_token, CaseMove.RELEASE)
        return True
    return False
