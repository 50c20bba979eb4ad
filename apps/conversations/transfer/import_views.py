"""Page for importing conversations, with the report of each file."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from apps.conversations.errors import RequestRefused
from apps.conversations.models.import_job import ImportItem, ImportJob, ImportQuerySet
from apps.conversations.transfer import import_job
from apps.users.models import User
from apps.users.permissions import get_signed_in_user
from apps.users.rate_limits import RateLimited

_LISTED = 10
_LINES = 1_000  # lines of one report
State = ImportItem.State


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_imports(request: HttpRequest) -> HttpResponse:
    """Show the form and the user's imports; a POST uploads a file and redirects to its report."""
    user, refused = get_signed_in_user(request), ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            if not isinstance(file, UploadedFile):
                raise RequestRefused(gettext("Choose a file first."))
            row = import_job.create_import(user, file)
        except (RequestRefused, RateLimited) as error:
            refused = str(error)
        else:
            messages.success(request, gettext("File uploaded. Its conversations are being imported."))
            return redirect("conversations:import", row.pk)
    context = {
        "rows": _counted(user)[:_LISTED], "refused": refused, "most_mb": settings.MAX_UPLOAD_BYTES // 1024**2,
        "kept_days": import_job.REPORT_RETENTION_DAYS,
    }  # fmt: skip
    return render(request, "conversations/transfer/import_upload.html", context, status=400 if refused else 200)


@login_required
@require_safe
def show_report(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the result of each conversation; the page polls while the import runs."""
    row = get_object_or_404(_counted(get_signed_in_user(request)), pk=pk)
    # Skipped conversations come first, since the user may have to act on them.
    found = row.items.select_related("conversation").order_by("position")
    lines = [*found.filter(state=State.SKIPPED)[:_LINES], *found.exclude(state=State.SKIPPED)[:_LINES]]
    template = (
        "conversations/transfer/_import_progress.html"
        if request.headers.get("HX-Request")
        else "conversations/transfer/import_report.html"
    )
    return render(request, template, {"row": row, "lines": lines[:_LINES], "most": _LINES})


def _counted(user: User) -> ImportQuerySet:
    counts = {state: Count("items", filter=Q(items__state=state)) for state in State.values}
    rows: ImportQuerySet = ImportJob.objects.visible_to(user).annotate(done=Count("items"), **counts)
    return rows.order_by("-created")
