"""Pages of the audit log, for administrators: list, verification and export. Nothing here changes an entry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.lib.concurrency.threads import in_db
from apps.safety.audit_log import export, verification
from apps.safety.audit_log.audit import AuditEntry
from apps.safety.views import audit_log_rows
from apps.users import user_field
from apps.users.models import User
from apps.users.permissions import administrator_required, get_signed_in_user

PAGE = 50


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Filter of the log, as a query string or a form gives it. Unknown values count as not given, but an unknown
    user matches nothing."""

    area: str = ""  # key of `audit_log_rows.FILTERS`
    actor: int | None = None  # id of the actor
    user: int | None = None  # id of the user concerned, which is the number of the pseudonym
    since: date | None = None  # first day in UTC
    until: date | None = None  # last day in UTC
    problem: str = ""  # why the user concerned was not found

    @property
    def condition(self) -> Q:
        condition = audit_log_rows.FILTERS[self.area][1]
        if self.problem:
            return Q(pk__in=[])
        if self.actor is not None:
            condition &= Q(actor=self.actor)
        if self.user is not None:
            condition &= Q(user=self.user)
        if self.since is not None:
            condition &= Q(created__gte=_start_of(self.since))
        if self.until is not None:
            condition &= Q(created__lt=_start_of(self.until) + timedelta(days=1))
        return condition

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the filter for the audit entry and the first line of an export; {} for the whole log."""
        since, until = (day.isoformat() if day else "" for day in (self.since, self.until))
        values = {"area": self.area, "who": self.actor, "about": self.user, "since": since, "until": until}
        return {name: value for name, value in values.items() if value not in ("", None)}


def _get_filter(query: QueryDict) -> LogFilter:
    area = query.get("area", "")
    user, problem = _find_user(query.get("about", "").strip())
    return LogFilter(
        area if area in audit_log_rows.FILTERS else "",
        _read_number(query.get("who", "")),
        user,
        _read_day(query.get("since", "")),
        _read_day(query.get("until", "")),
        problem,
    )


def _find_user(text: str) -> tuple[int | None, str]:
    """Return the number of the user with this number, e-mail address or name, or why there is none. A number need not
    be that of a user who is still there."""
    if not text or (number := _read_number(text)) is not None:
        return (number if text else None), ""
    try:
        return user_field.find_user(text).pk, ""
    except ValidationError as error:
        return None, error.messages[0]


def _render_user_field(chosen: LogFilter, given: str) -> SafeString:
    """Return the field of the user concerned: with name and address, the number of an erased user, or the text that
    matched nobody."""
    text = given
    if chosen.user is not None:
        user = User.objects.filter(pk=chosen.user).first()
        text = user_field.format_user(user) if user else str(chosen.user)
    invalid = {"aria-invalid": "true", "aria-describedby": "about-problem"} if chosen.problem else {}
    return user_field.UserInput().render("about", text, {"class": "user-field", **invalid})


@require_safe
@never_cache
@administrator_required
def show_log(request: HttpRequest) -> HttpResponse:
    """Show a page of entries, newest first, filtered by kind, actor, user concerned and days."""
    chosen, before = _get_filter(request.GET), _read_number(request.GET.get("before", ""))
    rows = AuditEntry.objects.filter(chosen.condition).order_by("-seq")
    total = rows.count()
    if before is not None:
        rows = rows.filter(seq__lt=before)
    page_rows = list(rows[: PAGE + 1])
    context = {
        "entries": audit_log_rows.make_rows(page_rows[:PAGE]), "chosen": chosen, "query": urlencode(chosen.parameters),
        "areas": [(name, label) for name, (label, _) in audit_log_rows.FILTERS.items()],
        "staff": User.objects.exclude(role=User.Role.MEMBER).order_by("name", "email"),
        "older": page_rows[PAGE - 1].seq if len(page_rows) > PAGE else None, "first": before is None,
        "total": total, "about": _render_user_field(chosen, request.GET.get("about", "")),
    }  # fmt: skip
    return render(request, "safety/audit_log.html", context)


@require_POST
@administrator_required
def verify_whole_log(request: HttpRequest) -> HttpResponse:
    """Verify every entry now and show the faults."""
    try:
        report = verification.verify_log()
    except ImproperlyConfigured as error:
        messages.error(request, str(error))
        return redirect("safety:log")
    for message in report.faults:
        messages.error(request, message)
    for message in (*report.remarks, *report.problems):
        messages.warning(request, message)
    if not report.faults:
        messages.success(request, gettext("All %(n)s entries are intact.") % {"n": report.newest})
    return redirect("safety:log")


@require_POST
@administrator_required
def export_log(request: HttpRequest) -> HttpResponse:
    """Stream the log, or the entries that the filter of the form matches, as a file: one JSON object per line, or CSV
    with the words of the page.

    The entry of the export itself is its last line. An export with a filter says so in its name, and JSON Lines also in
    the first line.
    """
    chosen = _get_filter(request.POST)
    if chosen.problem:
        messages.error(request, chosen.problem)
        return redirect("safety:log")
    last = export.begin_export(get_signed_in_user(request), **chosen.parameters)
    batch = partial(export.export_batch, last=last, chosen=chosen.condition)
    if as_csv := request.POST.get("format") == "csv":
        first = audit_log_rows.format_csv_header()
        batch = partial(batch, format_rows=partial(audit_log_rows.format_csv, language=get_language() or ""))
    else:
        first = export.format_filter(last, **chosen.parameters) if chosen.parameters else ""
    streams = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse((_parts if streams else _lines)(first, last, batch))
    response["Content-Type"] = "text/csv; charset=utf-8" if as_csv else "application/x-ndjson"
    filtered, ending = "-filtered" if chosen.parameters else "", "csv" if as_csv else "jsonl"
    name = f"openbook-audit-log{filtered}-{timezone.now():%Y%m%dT%H%M%SZ}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, response)  # the return type that Django's decorators expect


async def _parts(first: str, last: int, batch: Callable[[int], tuple[str, int]]) -> AsyncIterator[str]:
    yield first
    after = 0
    while after < last:
        text, after = await in_db(batch, after)
        yield text


def _lines(first: str, last: int, batch: Callable[[int], tuple[str, int]]) -> Iterator[str]:
    yield first
    after = 0
    while after < last:
        text, after = batch(after)
        yield text


def _read_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
