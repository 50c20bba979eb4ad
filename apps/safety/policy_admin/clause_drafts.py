"""Edit the clauses of the policy in a draft. Nothing takes effect here; see `policy.versions.approve_version`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.safety.models import PolicyVersion
from apps.safety.policy import separation_of_duties, versions
from apps.users.models import User


def get_base(user: User, number: int = 0) -> PolicyVersion:
    """Return the version that the user's next change builds on.

    It is the version with the number, else the last open draft of the user, else the live version.
    """
    if (row := versions.get_version(number)) is not None:
        return row
    live = versions.get_live_version()
    mine = PolicyVersion.objects.filter(author=user, status=versions.Status.DRAFT, number__gt=live.number)
    return mine.order_by("-number").first() or live


def save_clauses(user: User, base: PolicyVersion, clauses: list[Mapping[str, Any]], note: str = "") -> PolicyVersion:
    """Store a draft of `base` with these clauses and return it. It takes the place of `base` if that is the user's own
    draft.

    Administrators only. Both changes and their audit entries are one transaction. Raise ActionRefused for other users,
    PolicyError if a clause is invalid.
    """
    separation_of_duties.require_administrator(user)
    with transaction.atomic():
        draft = versions.create_draft(user, {**base.body, "clauses": clauses}, note)
        if base.author_id == user.pk and base.status == versions.Status.DRAFT:
            versions.discard_draft(user, base)
    return draft
