"""Leases on database rows that are units of work: claimed by a conditional update, renewed by the holder, swept when it
died.

The row is the queue; a broker message is only a notification. `attempts` is incremented before the work starts, so that
a crash of the process counts, too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

M = TypeVar("M", bound="Leased")


class Leased(models.Model):
    """Abstract model of a row that can be leased. `lease_token` names the holder; a holder that writes results checks
    that the token is still its own."""

    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True


def claim(rows: models.QuerySet[M], pk: Any, lease_s: float, **changes: Any) -> str | None:
    """Return a new lease token, or None if the row is leased to another holder or is not in `rows`.

    `rows` restricts the states that may be claimed; `changes` are set in the same update. `lease_s` is in seconds.
    """
    token = secrets.token_hex(16)
    until = timezone.now() + timedelta(seconds=lease_s)
    won = list_free(rows.filter(pk=pk)).update(
        lease_token=token, lease_until=until, attempts=F("attempts") + 1, **changes
    )
    return token if won else None


def claim_all(rows: models.QuerySet[M], keys: Sequence[Any], lease_s: float, **changes: Any) -> dict[Any, str]:
    """Claim several rows by their keys in one transaction; return the new token of each that was free."""
    with transaction.atomic(rows.db):
        claimed = {pk: claim(rows, pk, lease_s, **changes) for pk in sorted(keys)}  # sorted: no deadlock
    return {pk: token for pk, token in claimed.items() if token}


def renew(rows: models.QuerySet[M], pk: Any, token: str, lease_s: float, **changes: Any) -> bool:
    """Extend the lease by `lease_s` seconds from now and set `changes`. Return False, without a change, if the lease
    was lost."""
    until = timezone.now() + timedelta(seconds=lease_s)
    return bool(rows.filter(pk=pk, lease_token=token).update(lease_until=until, **changes))


def renew_all(
    rows: models.QuerySet[M], tokens: Mapping[Any, str], lease_s: float, changes: Mapping[Any, Mapping[str, Any]]
) -> set[Any]:
    """Renew the leases of several rows by their keys in one transaction, each with its changes. Return the keys of
    those that are still held; the others are not changed."""
    until = timezone.now() + timedelta(seconds=lease_s)
    return _change_held(rows, tokens, {pk: {**changes[pk], "lease_until": until} for pk in tokens})


def release(rows: models.QuerySet[M], pk: Any, token: str, **changes: Any) -> bool:
    """Give the lease back and set `changes`. Return False, without a change, if the lease was lost."""
    return bool(rows.filter(pk=pk, lease_token=token).update(lease_token="", lease_until=None, **changes))


def release_all(
    rows: models.QuerySet[M], tokens: Mapping[Any, str], changes: Mapping[Any, Mapping[str, Any]]
) -> set[Any]:
    """Give the leases of several rows back in one transaction, each with its changes. Return the keys of those that
    were still held; the others are not changed."""
    free = {"lease_token": "", "lease_until": None}
    return _change_held(rows, tokens, {pk: {**changes[pk], **free} for pk in tokens})


def _change_held(
    rows: models.QuerySet[M], tokens: Mapping[Any, str], changes: Mapping[Any, Mapping[str, Any]]
) -> set[Any]:
    """Set the changes of each row whose token is still the one in `tokens`; return the keys of these rows."""
    with transaction.atomic(rows.db):
        found = rows.filter(pk__in=tokens).select_for_update(of=("self",)).order_by("pk").only("lease_token")
        held = [row.pk for row in found if row.lease_token == tokens[row.pk]]
        for pk in held:  # for 200 rows, one statement with a CASE of 200 branches a column took twice the CPU time
            rows.model._base_manager.filter(pk=pk).update(**changes[pk])
    return set(held)


def list_free(rows: models.QuerySet[M]) -> models.QuerySet[M]:
    """Return the rows that nobody holds: without a lease, or with one that has expired."""
    return rows.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now()))


def list_expired(rows: models.QuerySet[M]) -> models.QuerySet[M]:
    """Return the rows whose lease has expired."""
    return rows.filter(lease_until__lt=timezone.now())
