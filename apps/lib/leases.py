"""Rows that are work: claimed by one conditional update, held by a lease, swept when the holder died.

The row is the queue; a message on the broker is only a doorbell. `attempts` grows before the work starts,
so that a crash that kills the process counts too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from django.db import connections, models, transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.lib.rows import prepared

M = TypeVar("M", bound="Leased")


class Leased(models.Model):
    """`lease_token` names the holder; whoever writes results checks that it is still theirs."""

    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True


def claim(rows: models.QuerySet[M], pk: Any, lease_s: float, **changes: Any) -> str | None:
    """The new lease token, or None where another holder is at work or `rows` no longer holds the row.

    `rows` says which states may be claimed; `changes` are set in the same update.
    """
    now = timezone.now()
    token = secrets.token_hex(16)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    won = rows.filter(free, pk=pk).update(
        lease_token=token, lease_until=now + timedelta(seconds=lease_s), attempts=F("attempts") + 1, **changes
    )
    return token if won else None


def claim_all(rows: models.QuerySet[M], keys: Sequence[Any], lease_s: float, **changes: Any) -> dict[Any, str]:
    """The same for several rows at once, by their keys: the new tokens of those that were free."""
    if len(keys) == 1:
        token = claim(rows, keys[0], lease_s, **changes)
        return {keys[0]: token} if token else {}
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    until = now + timedelta(seconds=lease_s)
    with transaction.atomic(rows.db):
        found = rows.filter(free, pk__in=keys).select_for_update(of=("self",)).order_by("pk")
        before = dict(found.values_list("pk", "attempts"))
        tokens = {pk: secrets.token_hex(16) for pk in before}
        held = {pk: {"lease_token": token, "lease_until": until} for pk, token in tokens.items()}
        _write(rows, {pk: {**held[pk], "attempts": attempts + 1, **changes} for pk, attempts in before.items()})
    return tokens


def renew(rows: models.QuerySet[M], pk: Any, token: str, lease_s: float, **changes: Any) -> bool:
    """Extends the lease and sets `changes`; False where the lease was lost, and then nothing changed."""
    until = timezone.now() + timedelta(seconds=lease_s)
    return bool(rows.filter(pk=pk, lease_token=token).update(lease_until=until, **changes))


def renew_all(
    rows: models.QuerySet[M], tokens: Mapping[Any, str], lease_s: float, changes: Mapping[Any, Mapping[str, Any]]
) -> set[Any]:
    """Renews the leases of many rows by their keys, each with its changes (the same fields for all), in a transaction
    of two statements; returns the keys of those that are still held. The others are not changed."""
    until = timezone.now() + timedelta(seconds=lease_s)
    return _write_held(rows, tokens, {pk: {**changes[pk], "lease_until": until} for pk in tokens})


def _write_held(
    rows: models.QuerySet[M], tokens: Mapping[Any, str], changes: Mapping[Any, Mapping[str, Any]]
) -> set[Any]:
    with transaction.atomic(rows.db):
        found = rows.filter(pk__in=tokens).select_for_update(of=("self",)).order_by("pk")
        held = {pk for pk, token in found.values_list("pk", "lease_token") if token == tokens[pk]}
        _write(rows, {pk: changes[pk] for pk in held})
    return held


def _write(rows: models.QuerySet[M], changes: Mapping[Any, Mapping[str, Any]]) -> None:
    """One prepared statement for all: `bulk_update` compares every row with every other one's key."""
    if not changes:
        return
    connection, meta = connections[rows.db], rows.model._meta
    names = [*next(iter(changes.values()))]
    known = {field.name: field for field in meta.concrete_fields}
    fields = [*(known[name] for name in names), meta.pk]
    quote = connection.ops.quote_name
    *columns, key = [f"{quote(str(field.column))} = %s" for field in fields]
    statement = f"UPDATE {quote(meta.db_table)} SET {', '.join(columns)} WHERE {key}"  # noqa: S608 - names of ours
    ready = [
        prepared(field, (values[name] for values in changes.values()), connection)
        for field, name in zip(fields, names, strict=False)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(zip(*ready, prepared(meta.pk, changes, connection), strict=True)))


def release(rows: models.QuerySet[M], pk: Any, token: str, **changes: Any) -> bool:
    """Gives the lease back and sets `changes`; False where it was lost, and then nothing changed."""
    return bool(rows.filter(pk=pk, lease_token=token).update(lease_token="", lease_until=None, **changes))


def release_all(
    rows: models.QuerySet[M], tokens: Mapping[Any, str], changes: Mapping[Any, Mapping[str, Any]]
) -> set[Any]:
    """The same for several rows, each with its changes (the same fields for all), in a transaction of two statements;
    returns the keys of those that were still held. The others are not changed."""
    free = {"lease_token": "", "lease_until": None}
    return _write_held(rows, tokens, {pk: {**changes[pk], **free} for pk in tokens})


def expired(rows: models.QuerySet[M]) -> models.QuerySet[M]:
    """Rows whose holder stopped renewing."""
    return rows.filter(lease_until__lt=timezone.now())
