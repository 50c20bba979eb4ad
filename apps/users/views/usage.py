"""Page of administrators on usage by user, group, model and month, with a download as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.lib.table import Column, read_table_request
from apps.users import rate_limits, usage, usage_limits
from apps.users.models import RateLimit, User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from apps.users.permissions import administrator_required
from apps.users.rate_limits import BucketRef

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

USER, GROUP, MODEL, MONTH = "user", "group", "model", "month"
KINDS: tuple[tuple[str, StrOrPromise], ...] = (
    (USER, gettext_lazy("User")),
    (GROUP, gettext_lazy("Group")),
    (MODEL, gettext_lazy("Model")),
    (MONTH, gettext_lazy("Month")),
)
COLUMNS = (
    Column("tokens", gettext_lazy("Model tokens"), ("used_tokens",)),
    Column("name", gettext_lazy("User"), ("shown_name", "email")),
    Column("questions", gettext_lazy("Questions"), ("used_questions",)),
    Column("files", gettext_lazy("Files"), ("used_files",)),
    Column("pictures", gettext_lazy("Pictures"), ("used_pictures",)),
    Column("active", gettext_lazy("Last active"), ("last_active",)),
)
_CSV = "csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these, a spreadsheet takes a name for a formula
Row = dict[str, Any]


@administrator_required
@never_cache
@require_safe
def show_usage(request: HttpRequest) -> HttpResponse:
    """Show what was used in a month; `?format=csv` downloads all rows."""
    months = {month.key: month for month in usage.list_months()}
    month = months.get(request.GET.get("month", ""), next(iter(months.values())))
    kind = request.GET.get("by", USER)
    kind = kind if kind in dict(KINDS) else USER
    given = request.GET.copy()
    given.setdefault("sort", "-tokens")
    table = read_table_request(given, COLUMNS, {"by": dict(KINDS), "month": months})
    if request.GET.get("format") == _CSV:
        rows = _list_rows(kind, month, table.sort_rows(usage.list_by_user(month, table.text)) if kind == USER else ())
        return _make_csv(f"usage-by-{kind}-{month.key}", rows)
    page = table.paginate(usage.list_by_user(month, table.text)) if kind == USER else None
    context = {
        "table": table, "page": page, "rows": _list_rows(kind, month, page or ()), "kind": kind, "kinds": KINDS,
        "kind_label": dict(KINDS)[kind], "month": month, "months": list(months.values()),
        "standings": usage_limits.list_standings(),
        "headings": [table.headings[1], table.headings[2], table.headings[0], *table.headings[3:]],
    }  # fmt: skip
    return render(request, "users/usage.html", context)


def _list_rows(kind: str, month: usage.Month, users: Iterable[User]) -> list[Row]:
    """Return the rows of the table with their `name` and, of users and groups, the limit of tokens beside them."""
    if kind == USER:
        found = list(users)
        left = _read_tokens_left([_get_bucket(user) for user in found])
        return [
            _make_row(str(user), user, pk=user.pk, email=user.email, **limit)
            for user, limit in zip(found, left, strict=True)
        ]
    if kind == GROUP:
        return _list_group_rows(month)
    if kind == MODEL:
        return [_make_row(row["model"], row) for row in usage.list_by_model(month)]
    return list_months_of(None)


def list_months_of(user: User | None) -> list[Row]:
    """Return a row for each month in which the user used something; None for all users."""
    return [_make_row(f"{row['month']:%Y-%m}", row, month=row["month"]) for row in usage.list_by_month(user)]


def _list_group_rows(month: usage.Month) -> list[Row]:
    limits = RateLimit.objects.filter(scope=LimitScope.GROUP, resource=LimitedResource.TOKENS)
    rates = {limit.group_id: Rate(limit.burst, limit.per_hour) for limit in limits}
    groups = list(usage.list_by_group(month))
    limited = [group for group in groups if group.pk in rates]
    buckets = [BucketRef(f"group:{group.pk}:{LimitedResource.TOKENS}", rates[group.pk], "") for group in limited]
    left = dict(zip([group.pk for group in limited], _read_tokens_left(buckets), strict=True))
    return [_make_row(group.name, group, pk=group.pk, **left.get(group.pk, {})) for group in groups]


def _get_bucket(user: User) -> BucketRef:
    return rate_limits.get_user_bucket(user, LimitedResource.TOKENS)


def _read_tokens_left(buckets: Sequence[BucketRef]) -> list[dict[str, int]]:
    levels = rate_limits.read_levels(list(buckets))
    return [{"left": max(0, int(level)), "burst": one.rate.burst} for one, level in zip(buckets, levels, strict=True)]


def _make_row(name: str, found: User | Group | Row, **also: Any) -> Row:
    figures = {name: _read(found, f"used_{name}") for name in usage.FIGURES}
    return {
        "name": name, "email": "", "left": None, "burst": None, "last_active": _read(found, "last_active"),
        **figures, **also,
    }  # fmt: skip


def _read(found: User | Group | Row, field: str) -> Any:
    return found[field] if isinstance(found, dict) else getattr(found, field)


def _make_csv(name: str, rows: list[Row]) -> HttpResponse:
    """Return the rows as a download that spreadsheets open; columns have the same names in every language."""
    written = io.StringIO()
    writer = csv.writer(written)
    columns = ("name", "email", *usage.FIGURES, "last_active", "left", "burst")
    writer.writerow(("name", "email", *usage.FIGURES, "last_active", "tokens_left", "tokens_limit"))
    for row in rows:
        writer.writerow([_escape(row[column]) for column in columns])
    content = written.getvalue().encode("utf-8-sig")  # by the mark, Excel recognises the encoding
    disposition = f'attachment; filename="{name}.csv"'
    return HttpResponse(content, content_type="text/csv", headers={"Content-Disposition": disposition})


def _escape(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
