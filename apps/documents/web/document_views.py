"""Actions of a user on one document: cancel, retry, fetch again, rename, move, delete. Editors only; others get 404."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.documents.library import trash
from apps.documents.library.moving import move_document
from apps.documents.library.passage_edits import set_title
from apps.documents.library.uploads import UploadRefused, cancel_ingestion, format_duplicate, retry_ingestion
from apps.documents.library.versions import refetch_web_page
from apps.documents.models import Document
from apps.documents.web.collection_views import respond_after_action
from apps.documents.web.file_actions import make_undo_url
from apps.documents.web.file_list import find_duplicates, record_refusal
from apps.documents.web.forms import MoveForm, TitleForm
from apps.lib.refusals import show_refusals
from apps.users.permissions import get_signed_in_user


def _editable(request: HttpRequest, pk: UUID) -> Document:
    return get_object_or_404(Document.objects.editable_by(request.user).select_related("collection"), pk=pk)


@login_required
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel the ingestion of a document."""
    document = _editable(request, pk)
    cancel_ingestion(request.user, document)
    return respond_after_action(request, document.collection_id)


@login_required
@require_POST
def retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Queue a failed or cancelled document again."""
    document = _editable(request, pk)
    retry_ingestion(request.user, document)
    return respond_after_action(request, document.collection_id)


@login_required
@require_POST
def refetch_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Queue the web page to be fetched again, as a new version of the document."""
    document = _editable(request, pk)
    with show_refusals(request, UploadRefused):
        refetch_web_page(get_signed_in_user(request), document)
    return respond_after_action(request, document.collection_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Edit the title under which a document is shown and cited; the name of its file stays."""
    document = _editable(request, pk)
    shown = {"title": str(document)}
    form = TitleForm(request.POST if request.method == "POST" else None, instance=document, initial=shown)
    if request.method == "POST" and form.is_valid():
        if form.has_changed():
            set_title(request.user, document, form.cleaned_data["title"])
            messages.success(request, gettext("Renamed to “%(name)s”.") % {"name": document})
        return redirect("documents:collection", document.collection_id)
    context = {"document": document, "form": form}
    return render(request, "documents/rename.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask for the collection to which the document is moved; POST moves it there. Files of chats move in their chat."""
    user = get_signed_in_user(request)
    document = get_object_or_404(Document.objects.editable_by(user).movable().select_related("collection"), pk=pk)
    form = MoveForm(user, document.collection_id, str(document), request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                target = form.get_target()
                move_document(user, document, target)
        except UploadRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, gettext("Moved to “%(name)s”.") % {"name": target})
            return redirect("documents:document", pk)
    context = {"document": document, "form": form}
    return render(request, "documents/move.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a confirmation; POST deletes the document, whose citations are then greyed out. It can be restored for an
    hour.

    With `instead` in the URL, a link to a copy in another collection that the user may read takes its place in the
    list. If that copy was promised but is gone, nothing is deleted.
    """
    user, document = get_signed_in_user(request), _editable(request, pk)
    duplicate = (
        find_duplicates(user, document.collection, [document]).get(document.sha256)
        if "instead" in request.GET
        else None
    )
    if request.method != "POST":
        return render(request, "documents/delete.html", {"document": document, "duplicate": duplicate})
    name = str(document)
    if duplicate is None and "promised" in request.POST:
        message = gettext("“%(name)s” was not deleted, because its copy is no longer available to you.")
        messages.error(request, message % {"name": name})
        return redirect("documents:collection", document.collection_id)
    at, _ = trash.trash_documents(user, [document.pk])
    if duplicate is not None:
        record_refusal(user, document.collection, name, format_duplicate(duplicate), duplicate)
    else:
        undo = make_undo_url(document.collection_id, at)
        messages.success(request, gettext("“%(name)s” deleted.") % {"name": name}, extra_tags=undo)
    return redirect("documents:collection", document.collection_id)
