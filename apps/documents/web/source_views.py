"""Views for documents that are not uploaded: web pages by URL, and folders of the server."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.documents.library import folder_sync
from apps.documents.library.folder_diff import FolderDiff
from apps.documents.library.uploads import UploadRefused
from apps.documents.library.web_pages import queue_web_page
from apps.documents.models import Collection, FolderSync
from apps.documents.web.collection_views import respond_after_action
from apps.documents.web.file_list import record_refusal
from apps.users import rate_limits
from apps.users.models.rate_limit import LimitedResource
from apps.users.permissions import administrator_required, get_signed_in_user


@login_required
@require_POST
def add_web_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Queue a web page, which the worker fetches, or list the reason of its refusal."""
    user = get_signed_in_user(request)
    target = get_object_or_404(Collection.objects.editable_by(user), pk=pk)
    rate_limits.consume(user, LimitedResource.UPLOADS)
    try:
        queue_web_page(user, target, request.POST.get("url", ""))
    except UploadRefused as error:
        record_refusal(user, target, "Web page", str(error))  # never the address: a refused one may hold a password
    return respond_after_action(request, pk)


@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def sync_folder(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the changes that a folder sync would make; POST of the digest shown has the worker apply them.

    For administrators who may edit the collection.
    """
    user = get_signed_in_user(request)
    target = get_object_or_404(Collection.objects.editable_by(user), pk=pk)
    folder = (request.POST if request.method == "POST" else request.GET).get("folder", "")
    diff, problem, choices, unconfirmed = None, "", list[str](), False
    try:
        choices = folder_sync.list_folders()
        if request.method == "POST":
            digest, confirmed = request.POST.get("digest", ""), _number(request.POST.get("removals", ""))
            if folder_sync.request_sync(user, target, folder, digest, confirmed) is not None:
                return redirect("documents:sync_folder", pk)
            messages.warning(
                request, gettext("The folder has changed since you compared it. This is the new comparison.")
            )
        diff = folder_sync.preview_sync(target, folder) if folder else None
        unconfirmed = diff is not None and folder_sync.needs_confirmation(target, diff)
    except folder_sync.SyncRefused as error:
        problem = str(error)
    context = {
        "collection": target, "folder": folder, "choices": choices, "diff": diff, "problem": problem,
        "lists": _lists(diff) if diff else [], "unconfirmed": unconfirmed,
        "sync": FolderSync.objects.filter(collection=target).first(),
    }  # fmt: skip
    return render(request, "documents/sync_folder.html", context, status=400 if problem else 200)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _lists(diff: FolderDiff) -> list[tuple[str, str, list[str]]]:
    """Return the lists of the page: title, icon and places of each."""
    return [
        (gettext("Added"), "plus", [item.path for item in diff.added]),
        (gettext("Changed"), "arrow-path", [item.path for item in diff.changed]),
        (gettext("Renamed or moved"), "arrow-right", [item.description for item in diff.renamed]),
        (gettext("Removed"), "minus", [item.path for item in diff.removed]),
    ]
