"""Views of collections and their files. Rows are reached only through access queries; unknown and forbidden ones give
404."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.documents.library.sharing import accept_pending_shares
from apps.documents.library.uploads import DiskFull, UploadRefused, clean_file_name, retry_ingestion, store_upload
from apps.documents.models import Collection, Document, GroupShare, Membership, PendingMembership
from apps.documents.web.collection_context import get_collection_context
from apps.documents.web.file_list import FAILED_STATUSES, list_files, record_refusal
from apps.documents.web.forms import CollectionForm, MoveForm
from apps.lib import disk_space
from apps.lib.text.number_parsing import parse_number
from apps.reading.parsing.formats import ACCEPTED_DESCRIPTION, FORMATS
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource
from apps.users.notices import dismiss_notices
from apps.users.permissions import get_signed_in_user

ACCEPT = ",".join(suffix for item in FORMATS.values() for suffix in item.suffixes)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_collections(request: HttpRequest) -> HttpResponse:
    """List the collections that the user may read; POST creates one."""
    user = get_signed_in_user(request)
    form = CollectionForm(request.POST or None, instance=Collection(owner=user))
    if request.method == "POST" and form.is_valid():
        return redirect("documents:collection", form.save().pk)
    accept_pending_shares(user)
    rows = list(_with_counts(Collection.objects.visible_to(user)))
    context = {"collections": rows, "form": form, "accepted": gettext(ACCEPTED_DESCRIPTION)}
    return render(request, "documents/collections.html", context, status=400 if form.errors else 200)


def _with_counts(rows: QuerySet[Collection]) -> QuerySet[Collection]:
    def count_own(rows: QuerySet[Any], condition: Q | None = None) -> Coalesce:
        of_this = rows.filter(collection=OuterRef("pk")).order_by().values("collection")
        return Coalesce(Subquery(of_this.annotate(n=Count("pk", filter=condition)).values("n")), 0)

    def count(condition: Q | None = None) -> Coalesce:
        return count_own(Document.objects.all(), condition)

    groups = Prefetch("group_shares", GroupShare.objects.select_related("group").order_by("group__name"))
    return (
        rows.select_related("owner")
        .prefetch_related(groups)
        .annotate(
            address_shares=count_own(Membership.objects.all()) + count_own(PendingMembership.objects.all()),
            files=count(),
            ready=count(Q(status=Document.Status.READY)),
            waiting=count(Q(status__in=Document.ACTIVE)),
            failed=count(Q(status__in=FAILED_STATUSES)),
        )
    )


@login_required
@require_safe
def show_collection(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the files of a collection, and dismiss notices about it; those of a chat are shown in the chat."""
    chats = Collection.all_objects.visible_to(request.user).filter(pk=pk, of_chat=True)
    if (chat := chats.values_list("conversation").first()) is not None:
        return redirect("conversations:conversation", chat[0]) if chat[0] else redirect("conversations:new")
    context = _list_files(request, pk)
    if context["can_edit"]:
        context["form"] = MoveForm(get_signed_in_user(request), pk, context["collection"].name, form_id="documents")
    dismiss_notices(get_signed_in_user(request), pk)
    return render(request, "documents/collection.html", context)


@login_required
@require_safe
def show_file_list(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Render the list of files, which the page reloads while files are in progress; status 204 if nothing has
    changed."""
    context = _list_files(request, pk)
    if request.GET.get("seen") == context["files"].digest:
        return HttpResponse(status=204)  # so that the list is not replaced while the user points at it
    return render(request, "documents/_document_list.html", context)


def _list_files(request: HttpRequest, pk: UUID) -> dict[str, Any]:
    here = get_collection_context(request, pk, "files")
    files = list_files(get_signed_in_user(request), here.collection, here.can_edit, request.GET)
    limits = {
        "accept": ACCEPT,
        "accepted": gettext(ACCEPTED_DESCRIPTION),
        "max_bytes": settings.MAX_UPLOAD_BYTES,
        "max_mb": settings.MAX_UPLOAD_BYTES // 1024**2,
        "web_pages": settings.WEB_PAGES,
        "sync": bool(settings.SYNC_DIR) and get_signed_in_user(request).is_administrator,
    }
    return {**here.context, "files": files, **limits}


def respond_after_action(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the response to an action: the list of files for htmx, else a redirect to the collection."""
    if request.headers.get("HX-Request"):
        return render(request, "documents/_document_list.html", _list_files(request, pk))
    return redirect("documents:collection", pk)


@login_required
@require_POST
def upload_files(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Store each uploaded file, or list the reason of its refusal; one never stops the others.

    Status 507 if the disk has room for none.
    """
    user = get_signed_in_user(request)
    target = get_object_or_404(Collection.objects.editable_by(user), pk=pk)
    files = list_uploaded_files(request)
    try:
        rate_limits.consume(user, LimitedResource.UPLOADS, cost=len(files))
        refused, without_room = _store_uploads(user, target, files)
    except DatabaseError as error:
        if not disk_space.is_disk_full_error(error):
            raise
        return _refuse_without_room(request)
    if files and without_room == len(files):
        return _refuse_without_room(request)
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"refused": refused}, status=201 if files and not refused else 200)
    if not files:
        messages.error(request, gettext("No file selected. Choose one or more files, then upload."))
    return redirect("documents:collection", pk)


def _refuse_without_room(request: HttpRequest) -> HttpResponse:
    """Answer 507: the disk is full, so the reason cannot be stored either. Files stored before stay."""
    words = str(DiskFull())
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"refused": [words]}, status=507)
    return render(request, "507.html", {"words": words}, status=507)


def list_uploaded_files(request: HttpRequest) -> list[tuple[UploadedFile[Any], str]]:
    """Return the uploaded files with their folders; or one that a page only announced, because its size alone
    decides."""
    if name := request.POST.get("announced", ""):
        return [(UploadedFile(io.BytesIO(), name, size=parse_number(request.POST.get("size", ""))), "")]
    files = request.FILES.getlist("files")
    paths = [*request.POST.getlist("paths"), *[""] * len(files)]  # without JavaScript the form sends none
    return list(zip(files, paths, strict=False))


def _store_uploads(user: User, target: Collection, files: list[tuple[UploadedFile[Any], str]]) -> tuple[list[str], int]:
    """Store the files; return the reasons of refusals, and how many files did not fit on the disk.

    Reasons are stored for the list of files, unless no file fitted. Raises DatabaseError if they cannot be written.
    """
    refused: list[tuple[str, UploadRefused]] = []
    for file, path in files:
        try:
            store_upload(user, target, file, path)
        except UploadRefused as error:
            refused.append((clean_file_name(file.name or ""), error))
    without_room = sum(isinstance(reason, DiskFull) for _, reason in refused)
    if without_room < len(files):
        for name, reason in refused:
            record_refusal(user, target, name, str(reason), reason.duplicate_of)
    return [str(reason) for _, reason in refused], without_room


@login_required
@require_POST
def retry_failed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Queue all failed files of the collection again."""
    target = get_object_or_404(Collection.objects.editable_by(request.user), pk=pk)
    for document in target.documents.filter(status__in=FAILED_STATUSES):
        retry_ingestion(request.user, document)
    return respond_after_action(request, pk)


@login_required
@require_POST
def dismiss_refusals(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Dismiss one refused upload, or all of the user's in the collection."""
    target = get_object_or_404(Collection.objects.editable_by(request.user), pk=pk)
    own_refusals = target.refused_uploads.filter(user=get_signed_in_user(request))
    chosen = parse_number(request.POST.get("refused", ""))
    (own_refusals.filter(pk=chosen) if chosen else own_refusals).delete()
    return respond_after_action(request, pk)
