"""Limits of questions and tokens in a day or month, by chat model and group.

Entry points: `check_usage` where a question is asked, `list_standings` and `list_standings_of` for pages, `set_limit`
and `remove_limit`. What was used is read from `UsageDay`, which counts an answer when it ends: the answers that run at
that moment may go beyond a limit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, ngettext

from apps.users import audit_hook
from apps.users.models import UsageDay, UsageLimit, User
from apps.users.rate_limits import CACHE_S, RateLimited
from apps.users.special_permissions import require_administrator
from apps.users.usage import Month

Figure, Period = UsageLimit.Figure, UsageLimit.Period

_lock = threading.Lock()
_cache: dict[str, Any] = {"limits": None, "read": 0.0}


@dataclass(frozen=True, slots=True)
class Standing:
    """Limit with what was used of it in the present day or month.

    `used` is that of the one user, or of all together. `users_over` is the number of users who reached a limit that
    each user has; 0 where one user is asked about.
    """

    limit: UsageLimit
    used: int
    users_over: int = 0

    @property
    def amount(self) -> str:
        """Return how much is allowed, in words."""
        return describe_amount(self.limit.amount, self.limit.figure, self.limit.period)

    @property
    def is_reached(self) -> bool:
        return self.used >= self.limit.amount


def check_usage(user: User, model: str) -> None:
    """Raise RateLimited if the user has reached a limit for the model, by its name on its server; "" if not known.

    Writes nothing, and queries only if there are limits.
    """
    for limit in _list_limits_of(user):
        if limit.model in ("", model) and _sum_used(limit, user) >= limit.amount:
            raise RateLimited(_describe_reached(limit), _count_seconds_left(limit.period))


def list_standings_of(user: User) -> list[Standing]:
    """Return the limits that apply to the user, with what was used of each."""
    return [Standing(limit, _sum_used(limit, user)) for limit in _list_limits_of(user)]


def list_standings() -> list[Standing]:
    """Return all limits, with what was used. For one that each user has, `used` is the most that one user used."""
    found = []
    for limit in UsageLimit.objects.select_related("group"):
        if limit.shared:
            found.append(Standing(limit, _sum_used(limit)))
            continue
        by_user = _rows(limit).order_by().values("user").annotate(used=Sum(limit.figure)).values_list("used", flat=True)
        amounts = list(by_user)
        found.append(Standing(limit, max(amounts, default=0), sum(used >= limit.amount for used in amounts)))
    return found


def list_known_models(more: Iterable[str] = ()) -> list[str]:
    """Return the names of models that answered within the kept days, together with `more`, in the order of letters."""
    answered = UsageDay.objects.exclude(model="").order_by().values_list("model", flat=True).distinct()
    return sorted({*answered, *filter(None, more)}, key=str.casefold)


def set_limit(
    by: User, *, group: Group | None, model: str, figure: str, period: str, shared: bool, amount: int
) -> UsageLimit:
    """Store the limit with audit entry; one of the same kind gets the new amount. Raise PermissionDenied."""
    require_administrator(by)
    kind = {"group": group, "model": model, "figure": figure, "period": period, "shared": shared}
    with transaction.atomic():
        row = UsageLimit.objects.filter(**kind).first()
        before = _format_amount(row)
        row = row or UsageLimit(**kind)
        row.amount = amount
        row.save()
        _record(by, row, before, _format_amount(row))
    clear_limit_cache()
    return row


def remove_limit(by: User, row: UsageLimit) -> None:
    """Remove the limit, with audit entry. Raise PermissionDenied."""
    require_administrator(by)
    with transaction.atomic():
        _record(by, row, _format_amount(row), "")
        row.delete()
    clear_limit_cache()


def clear_limit_cache() -> None:
    """Make the next reader of this process load the limits from the database."""
    _cache.update(limits=None)


def describe_amount(amount: int, figure: str, period: str) -> str:
    """Return how much is allowed, such as "50 questions per day"."""
    if figure == Figure.QUESTIONS and period == Period.DAY:
        words = ngettext("%(n)s question per day", "%(n)s questions per day", amount)
    elif figure == Figure.QUESTIONS:
        words = ngettext("%(n)s question per month", "%(n)s questions per month", amount)
    elif period == Period.DAY:
        words = ngettext("%(n)s token per day", "%(n)s tokens per day", amount)
    else:
        words = ngettext("%(n)s token per month", "%(n)s tokens per month", amount)
    return words % {"n": number_format(amount, force_grouping=True)}


def parse_amount(text: str) -> tuple[int, str, str] | None:
    """Return amount, figure and period of an audit entry's "before" or "after"; None for another text."""
    amount, _, rest = text.partition(" ")
    figure, _, period = rest.partition(" per ")
    if not amount.isdecimal() or figure not in Figure.values or period not in Period.values:
        return None
    return int(amount), figure, period


def _describe_reached(limit: UsageLimit) -> str:
    values = {"amount": Standing(limit, 0).amount, "group": limit.group.name if limit.group else ""}
    if not limit.shared:
        words = gettext("You have reached your limit of %(amount)s.")
    elif limit.group is None:
        words = gettext("All users together have reached the limit of %(amount)s.")
    else:
        words = gettext("The group %(group)s has reached its limit of %(amount)s.")
    day = date_format(_find_end(limit.period), gettext("j F"))
    again = gettext("Counting starts again on %(day)s, 00:00 UTC.") % {"day": day}
    if limit.model:
        return f"{words % values} {again} " + gettext("It is for the model %(model)s; another one may answer.") % {
            "model": limit.model
        }
    return f"{words % values} {again}"


def _list_limits_of(user: User) -> list[UsageLimit]:
    limits = _list_limits()
    of_groups = {limit.group_id for limit in limits} - {None}
    member = set(user.groups.filter(pk__in=of_groups).values_list("pk", flat=True)) if of_groups else set()
    return [limit for limit in limits if limit.group_id is None or limit.group_id in member]


def _list_limits() -> list[UsageLimit]:
    """Return all limits, cached for CACHE_S."""
    if _cache["limits"] is None or time.monotonic() - _cache["read"] > CACHE_S:
        limits = list(UsageLimit.objects.select_related("group"))
        with _lock:
            _cache.update(limits=limits, read=time.monotonic())
    cached: list[UsageLimit] = _cache["limits"]
    return cached


def _rows(limit: UsageLimit) -> QuerySet[UsageDay]:
    """Return the rows of the present period that the limit counts, of all its users."""
    rows = UsageDay.objects.filter(day__gte=_find_start(limit.period))
    if limit.model:
        rows = rows.filter(model=limit.model)
    return rows if limit.group_id is None else rows.filter(user__groups=limit.group_id)


def _sum_used(limit: UsageLimit, user: User | None = None) -> int:
    """Return what was used of the limit: by the user if each user has it, else by all together."""
    rows = _rows(limit) if limit.shared or user is None else _rows(limit).filter(user=user)
    return int(rows.aggregate(used=Sum(limit.figure))["used"] or 0)


def _find_start(period: str) -> date:
    today = timezone.now().date()
    return today if period == Period.DAY else today.replace(day=1)


def _find_end(period: str) -> date:
    """Return the first day on which counting starts again."""
    start = _find_start(period)
    return start + timedelta(days=1) if period == Period.DAY else Month(start).following


def _count_seconds_left(period: str) -> int:
    end = datetime.combine(_find_end(period), datetime.min.time(), UTC)
    return max(1, int((end - timezone.now()).total_seconds()) + 1)


def _format_amount(row: UsageLimit | None) -> str:
    return f"{row.amount} {row.figure} per {row.period}" if row else ""


def _record(by: User, row: UsageLimit, before: str, after: str) -> None:
    subject = " ".join(filter(None, ["limit", f"group {row.group_id}" if row.group_id else "", row.figure]))
    audit_hook.record_change(
        "limit.changed", actor=by, subject=subject, model=row.model, shared=row.shared, before=before, after=after
    )
