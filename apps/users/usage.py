"""Usage by user, group, model and month: numbers of questions, model tokens, files and pictures.

Entry points: `record_usage` where something is used, `list_by_user`, `list_by_group`, `list_by_model` and
`list_by_month` for pages, `delete_old_usage`. The callers check who may read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth
from django.utils import timezone

from apps.users.accounts import list_users
from apps.users.models import UsageDay, User

KEPT_DAYS = 400  # a year and a month to compare with
FIGURES = ("questions", "tokens", "files", "pictures")


@dataclass(frozen=True, slots=True)
class Month:
    """Calendar month (UTC)."""

    first: date

    @property
    def following(self) -> date:
        """Return the first day of the next month."""
        return (self.first + timedelta(days=31)).replace(day=1)

    @property
    def key(self) -> str:
        """Return the month as YYYY-MM."""
        return f"{self.first:%Y-%m}"


def list_months() -> list[Month]:
    """Return this month and the twelve before it, the latest first."""
    months = [Month(timezone.now().date().replace(day=1))]
    while len(months) < 13:
        months.append(Month((months[-1].first - timedelta(days=1)).replace(day=1)))
    return months


def record_usage(user: User, model: str = "", **used: int) -> None:
    """Add what the user used, by the names of FIGURES, to today's row. Does nothing if the account is gone."""
    used = {name: number for name, number in used.items() if number}
    if not used:
        return
    day = timezone.now().date()
    rows = UsageDay.objects.filter(user=user.pk, day=day, model=model[:255])
    added: dict[str, Any] = {name: F(name) + number for name, number in used.items()}
    if rows.update(**added):
        return
    with transaction.atomic():
        if User.objects.filter(pk=user.pk).exists():
            row = UsageDay(user_id=user.pk, day=day, model=model[:255])
            UsageDay.objects.bulk_create([row], ignore_conflicts=True)
            rows.update(**added)


def list_by_user(month: Month, text: str = "") -> QuerySet[User]:
    """Return the users whose name or e-mail address holds every word of `text`.

    Each has `used_questions` and so on, for each of FIGURES, and `last_active`, a date or None.
    """
    return list_users(text).annotate(**_sum_figures("usage__", month), last_active=Max("usage__day"))


def list_by_group(month: Month) -> QuerySet[Group]:
    """Return the groups with what all their members used, as `list_by_user`. A user of two groups counts in both."""
    rows = Group.objects.annotate(**_sum_figures("user__usage__", month), last_active=Max("user__usage__day"))
    return rows.order_by(F("used_tokens").desc(), "name")


def list_by_model(month: Month) -> list[dict[str, Any]]:
    """Return `used_` FIGURES and `last_active` by `model`; "" for what no model wrote."""
    rows = UsageDay.objects.filter(day__gte=month.first, day__lt=month.following).order_by().values("model")
    found = [{**row} for row in rows.annotate(**_sum_figures(), last_active=Max("day"))]
    return sorted(found, key=lambda row: (-row["used_tokens"], row["model"]))


def list_by_month(user: User | None = None) -> list[dict[str, Any]]:
    """Return `used_` FIGURES and `last_active` by `month`, a date, the latest first; of one user, or None for all."""
    rows = UsageDay.objects.all() if user is None else UsageDay.objects.filter(user=user)
    grouped = rows.annotate(month=TruncMonth("day")).order_by().values("month")
    return [{**row} for row in grouped.annotate(**_sum_figures(), last_active=Max("day")).order_by("-month")]


def delete_old_usage() -> int:
    """Delete rows older than KEPT_DAYS and return how many. Periodic job of the worker."""
    return UsageDay.objects.filter(day__lt=timezone.now().date() - timedelta(days=KEPT_DAYS)).delete()[0]


def _sum_figures(prefix: str = "", month: Month | None = None) -> dict[str, Coalesce]:
    """Return the sums of FIGURES, named `used_…`, over the rows at `prefix`; of that month, or None for all rows."""
    within = None
    if month is not None:
        within = Q(**{f"{prefix}day__gte": month.first, f"{prefix}day__lt": month.following})
    return {f"used_{name}": Coalesce(Sum(f"{prefix}{name}", filter=within), 0) for name in FIGURES}
