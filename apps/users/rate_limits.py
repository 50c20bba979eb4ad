"""Token buckets that limit questions, model tokens, pictures, uploads and failed sign-ins by user, group and network.

`consume` takes from the user's buckets or raises RateLimited and takes nothing; `check_limits` only looks, for callers
that consume later in a transaction; `charge` books a cost that is known afterwards and may leave a bucket below zero.

A bucket changes by one conditional update. Network buckets limit only users who are not signed in, since a whole office
may share one address.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import ExpressionWrapper, F, FloatField, Value
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext, ngettext

from apps.users import audit_hook, usage
from apps.users.i18n import lower_label
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource as LimitedResource
from apps.users.models.rate_limit import LimitScope, Rate, RateLimit, RateLimitBucket
from apps.users.special_permissions import require_administrator

DEFAULTS: dict[tuple[str, str], Rate] = {
    (LimitScope.USER, LimitedResource.MESSAGES): Rate(200, 1_000),
    (LimitScope.USER, LimitedResource.TOKENS): Rate(1_000_000, 2_000_000),
    (LimitScope.USER, LimitedResource.PICTURES): Rate(30, 60),
    (LimitScope.USER, LimitedResource.UPLOADS): Rate(5_000, 5_000),
    (LimitScope.USER, LimitedResource.SIGN_INS): Rate(10, 40),
    (LimitScope.ADDRESS, LimitedResource.SIGN_INS): Rate(50, 200),
}
# What counts as used when it is taken; questions and tokens count when an answer ends, by model.
_FIGURES: dict[str, str] = {LimitedResource.UPLOADS: "files", LimitedResource.PICTURES: "pictures"}
CACHE_S = 5.0  # maximum age of the limits that a process has cached, in seconds
IDLE_S = 86_400.0  # seconds; a bucket unused for so long is full again, so its row is deleted

_lock = threading.Lock()
_cache: dict[str, Any] = {"rates": None, "read": 0.0}


class RateLimited(Exception):
    """Error: a limit is reached; nothing was consumed.

    The message is a sentence for the user; `retry_s` is the time to wait in seconds.
    """

    def __init__(self, message: str, retry_s: int) -> None:
        super().__init__(message)
        self.retry_s = retry_s


@dataclass(frozen=True, slots=True)
class BucketRef:
    """Bucket that limits a user, with its rate. `holder` is shown in messages: "You", the group, "This account", "Your
    network"."""

    key: str
    rate: Rate
    holder: str


def list_buckets(user: User, resource: str) -> list[BucketRef]:
    """Return the buckets that limit the user for this resource: their own, and those of their groups with a limit."""
    rates = _rates()
    buckets = [get_user_bucket(user, resource)]
    groups = {group: rate for (scope, group, what), rate in rates.items() if group and what == resource}
    if groups:
        rows = user.groups.filter(pk__in=groups).values_list("pk", "name")
        buckets += [BucketRef(f"group:{pk}:{resource}", groups[pk], name) for pk, name in rows]
    return buckets


def get_user_bucket(user: User, resource: str) -> BucketRef:
    """Return the bucket of the user alone, without those of groups."""
    return BucketRef(f"person:{user.pk}:{resource}", _rates()[LimitScope.USER, None, resource], "You")


def check_limits(user: User, *resources: str) -> None:
    """Raise RateLimited if `consume` would. One query for the levels; writes nothing."""
    buckets = [(resource, one) for resource in resources for one in list_buckets(user, resource)]
    for (resource, one), level in zip(buckets, read_levels([one for _, one in buckets]), strict=True):
        if level < 1:
            raise _build_error(resource, one, 1 - level)


def consume(user: User, resource: str, *, cost: int = 1) -> None:
    """Take `cost` units from every bucket of the user, or raise RateLimited and take nothing."""
    taken: list[BucketRef] = []
    try:
        for one in list_buckets(user, resource):
            consume_bucket(one, resource, cost)
            taken.append(one)
    except RateLimited:
        for one in taken:
            refund(one, cost)
        raise
    if (figure := _FIGURES.get(resource)) is not None:
        usage.record_usage(user, "", **{figure: cost})


def consume_bucket(bucket: BucketRef, resource: str, cost: float = 1) -> None:
    """Take `cost` units from one bucket. Raises RateLimited."""
    if _take(bucket, cost):
        return
    RateLimitBucket.objects.bulk_create(
        [RateLimitBucket(key=bucket.key, level=bucket.rate.burst, updated=time.time())], ignore_conflicts=True
    )
    if not _take(bucket, cost):
        raise _build_error(resource, bucket, cost - read_levels([bucket])[0])


def charge(user: User, resource: str, cost: int) -> None:
    """Subtract `cost` units from every bucket of the user, below zero if need be. Never raises RateLimited."""
    for bucket in list_buckets(user, resource) if cost > 0 else ():
        row = RateLimitBucket(key=bucket.key, level=bucket.rate.burst, updated=time.time())
        if not _subtract(bucket, cost):
            RateLimitBucket.objects.bulk_create([row], ignore_conflicts=True)
            _subtract(bucket, cost)


def refund(bucket: BucketRef, cost: float = 1) -> None:
    """Put `cost` units back into the bucket."""
    _subtract(bucket, -cost)


def read_levels(buckets: list[BucketRef]) -> list[float]:
    """Return the units left in each bucket; the full burst for a bucket without a row."""
    now = time.time()
    rows = RateLimitBucket.objects.filter(pk__in=[one.key for one in buckets]).values_list("key", "level", "updated")
    stored = {key: (level, updated) for key, level, updated in rows}
    return [
        min(one.rate.burst, level + max(0.0, now - updated) * one.rate.per_hour / 3600)
        for one in buckets
        for level, updated in [stored.get(one.key, (float(one.rate.burst), now))]
    ]


def build_account_bucket(email: str) -> BucketRef:
    """Return the bucket of failed sign-ins for an address, whether or not it has an account. The key holds a hash of
    it."""
    digest = hashlib.sha256(email.strip().casefold().encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return BucketRef(f"account:{digest}", _rates()[LimitScope.USER, None, LimitedResource.SIGN_INS], "This account")


def build_device_bucket(user_pk: int) -> BucketRef:
    """Return the bucket of failed sign-ins from known devices of the account. Attempts of others do not reach it."""
    return BucketRef(f"device:{user_pk}", _rates()[LimitScope.USER, None, LimitedResource.SIGN_INS], "This account")


def build_network_bucket(address: str, resource: str) -> BucketRef:
    """Return the bucket of a network address for this resource."""
    return BucketRef(f"address:{address}:{resource}", _rates()[LimitScope.ADDRESS, None, resource], "Your network")


def change_limit(
    scope: str, resource: str, rate: Rate | None, group: int | None = None, by: User | None = None
) -> None:
    """Store the limit and log it. None restores the default; for a group it removes the limit.

    Raises PermissionDenied unless `by` is an administrator; None is the product itself.
    """
    require_administrator(by)
    rows = RateLimit.objects.filter(scope=scope, resource=resource, group=group)
    with transaction.atomic():
        before = rows.first()
        if rate is None:
            rows.delete()
        elif not rows.update(burst=rate.burst, per_hour=rate.per_hour):
            RateLimit.objects.create(
                scope=scope, resource=resource, group_id=group, burst=rate.burst, per_hour=rate.per_hour
            )
        subject = f"limit {scope} {group or ''} {resource}".replace("  ", " ")
        audit_hook.record_change(
            "limit.changed", actor=by, subject=subject, before=_format_rate(before), after=_format_rate(rate)
        )
    clear_rate_cache()


def _format_rate(rate: Rate | RateLimit | None) -> str:
    return f"{rate.burst} / {rate.per_hour}" if rate else ""


def delete_full_buckets() -> int:
    """Delete rows of buckets that are full again, and return how many. Periodic job of the worker."""
    return RateLimitBucket.objects.filter(updated__lt=time.time() - IDLE_S, level__gte=0).delete()[0]


def clear_rate_cache() -> None:
    """Make the next reader of this process load the limits from the database."""
    _cache.update(rates=None)


def _rates() -> dict[tuple[str, int | None, str], Rate]:
    """Return the limits by scope, group and resource: `DEFAULTS`, overridden by the rows of administrators. Cached for
    CACHE_S."""
    if _cache["rates"] is None or time.monotonic() - _cache["read"] > CACHE_S:
        rates: dict[tuple[str, int | None, str], Rate] = {
            (scope, None, resource): rate for (scope, resource), rate in DEFAULTS.items()
        }
        rows = RateLimit.objects.values_list("scope", "group", "resource", "burst", "per_hour")
        rates |= {(scope, group, what): Rate(burst, per_hour) for scope, group, what, burst, per_hour in rows}
        with _lock:
            _cache.update(rates=rates, read=time.monotonic())
    cached: dict[tuple[str, int | None, str], Rate] = _cache["rates"]
    return cached


def _level_expression(bucket: BucketRef) -> Any:
    """Return the SQL expression of the present level. A clock that was set back adds nothing."""
    elapsed = Greatest(Value(time.time()) - F("updated"), Value(0.0))
    refilled = F("level") + elapsed * Value(bucket.rate.per_hour / 3600)
    return Least(ExpressionWrapper(refilled, FloatField()), Value(float(bucket.rate.burst)), output_field=FloatField())


def _take(bucket: BucketRef, cost: float) -> bool:
    rows = RateLimitBucket.objects.filter(pk=bucket.key).annotate(now=_level_expression(bucket)).filter(now__gte=cost)
    return bool(rows.update(level=_level_expression(bucket) - Value(float(cost)), updated=time.time()))


def _subtract(bucket: BucketRef, cost: float) -> bool:
    return bool(
        RateLimitBucket.objects.filter(pk=bucket.key).update(
            level=_level_expression(bucket) - Value(float(cost)), updated=time.time()
        )
    )


def _build_error(resource: str, bucket: BucketRef, missing: float) -> RateLimited:
    seconds = bucket.rate.wait_s(missing)
    values = {
        "what": lower_label(LimitedResource(resource).label),
        "wait": _format_duration(seconds),
        "group": bucket.holder,
    }
    if bucket.holder in {"You", "This account", "Your network"}:
        return RateLimited(gettext("You have reached the limit for %(what)s. Try again in %(wait)s.") % values, seconds)
    message = gettext("The group %(group)s has reached its limit for %(what)s. Try again in %(wait)s.")
    return RateLimited(message % values, seconds)


def _format_duration(seconds: int) -> str:
    if seconds >= 3600:
        hours = -(-seconds // 3600)
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    if seconds >= 60:
        minutes = -(-seconds // 60)
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    return ngettext("%(n)s second", "%(n)s seconds", seconds) % {"n": seconds}
