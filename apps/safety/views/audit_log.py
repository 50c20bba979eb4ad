"""Pages of the audit log, for administrators: list, verification and export. Nothing here changes an entry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import cast

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.lib.concurrency.threads import in_db
from apps.safety.audit_log import export, verification
from apps.safety.audit_log.audit import AuditEntry
from apps.safety.views import audit_log_rows
from apps.users.models import User
from apps.users.permissions import administrator_required, get_signed_in_user

PAGE = 50


@require_safe
@never_cache
@administrator_required
def show_log(request: HttpRequest) -> HttpResponse:
    """Show a page of entries, newest first, filtered by kind and actor."""
    area, who, before = (request.GET.get(name, "") for name in ("area", "who", "before"))
    area = area if area in audit_log_rows.FILTERS else ""
    rows = AuditEntry.objects.filter(audit_log_rows.FILTERS[area][1]).order_by("-seq")
    if _number(who):
        rows = rows.filter(actor=int(who))
    if _number(before):
        rows = rows.filter(seq__lt=int(before))
    found = list(rows[: PAGE + 1])
    context = {
        "entries": audit_log_rows.make_rows(found[:PAGE]), "area": area, "who": who,
        "areas": [(name, words) for name, (words, _) in audit_log_rows.FILTERS.items()],
        "staff": User.objects.exclude(role=User.Role.MEMBER).order_by("name", "email"),
        "older": found[PAGE - 1].seq if len(found) > PAGE else None, "first": not before,
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
    for words in report.faults:
        messages.error(request, words)
    for words in (*report.remarks, *report.problems):
        messages.warning(request, words)
    if not report.faults:
        messages.success(request, gettext("All %(n)s entries are intact.") % {"n": report.newest})
    return redirect("safety:log")


@require_POST
@administrator_required
def export_log(request: HttpRequest) -> HttpResponse:
    """Stream the log as a file, one JSON object per line. The entry of the export itself is its last line."""
    last = export.begin_export(get_signed_in_user(request))
    streams = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(_parts(last) if streams else _lines(last))
    response["Content-Type"] = "application/x-ndjson"
    name = f"openbook-audit-log-{timezone.now():%Y%m%dT%H%M%SZ}.jsonl"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, response)  # the return type that Django's decorators expect


async def _parts(last: int) -> AsyncIterator[str]:
    after = 0
    while after < last:
        text, after = await in_db(export.export_batch, after, last)
        yield text


def _lines(last: int) -> Iterator[str]:
    after = 0
    while after < last:
        text, after = export.export_batch(after, last)
        yield text


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16
