"""Views of files attached to a chat. Rows are fetched as the user's own: unknown and foreign ones are both 404.

Every answer is the list of the chat's files as the composer shows it, or a reason in plain text (400, 429, 507).
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.conversations.attachments import chat_files
from apps.conversations.core.requests import parse_id_or_none
from apps.documents.library.deletion import delete_document
from apps.documents.library.uploads import DiskFull, UploadRefused
from apps.documents.models import Collection, Document
from apps.documents.web.collection_views import list_uploaded_files
from apps.documents.web.forms import MoveForm
from apps.lib import disk_space
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource
from apps.users.permissions import get_signed_in_user


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def attach_file(request: HttpRequest) -> HttpResponse:
    """Store an uploaded file (POST) for the chat `conversation`, else for `draft`, else for a new chat.

    A GET returns the files with the id `of`; with `draft`, only if no question was asked yet.
    """
    user = get_signed_in_user(request)
    if request.method != "POST":
        files = chat_files.get_files(user, parse_id_or_none(request.GET.get("of")))
        if files is None or ("draft" in request.GET and chat_files.is_asked_about(files)):
            raise Http404
        return _render_chips(request, files)
    uploaded = list_uploaded_files(request)[:1]
    conversation, draft = (parse_id_or_none(request.POST.get(name)) for name in ("conversation", "draft"))
    try:
        if not uploaded:
            raise UploadRefused(gettext("Choose a file first."))
        rate_limits.consume(user, LimitedResource.UPLOADS)
        files = chat_files.attach_file(user, uploaded[0][0], conversation, draft)
    except rate_limits.RateLimited as limit:
        return _say(str(limit), 429)
    except UploadRefused as refusal:
        return _say(str(refusal), 507 if isinstance(refusal, DiskFull) else 400)
    except DatabaseError as error:
        if not disk_space.is_disk_full_error(error):
            raise
        return _say(str(DiskFull()), 507)
    return _render_chips(request, files)


@login_required
@require_POST
def remove_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete the file, in whatever state it is."""
    user = get_signed_in_user(request)
    document = _get_document(user, pk)
    delete_document(user, document)
    return _render_chips(request, document.collection)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def move_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the dialog that asks for a collection; POST moves the file there."""
    user = get_signed_in_user(request)
    document = _get_document(user, pk)
    form = MoveForm(user, document.collection_id, str(document), request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render(request, "conversations/composer/_move_file.html", {"document": document, "form": form})
    if not form.is_valid():
        return _say(" ".join(str(words) for rows in form.errors.values() for words in rows), 400)
    files = document.collection
    try:
        with transaction.atomic():
            target = form.get_target()
            chat_files.move_to_collection(user, document, target)
    except UploadRefused as refusal:
        return _say(str(refusal), 400)
    return _render_chips(request, files, document, target)


def _get_document(user: User, pk: UUID) -> Document:
    rows = Document.objects.filter(collection__in=chat_files.visible_files(user)).select_related("collection")
    return get_object_or_404(rows, pk=pk)


def _render_chips(
    request: HttpRequest, files: Collection, moved: Document | None = None, target: Collection | None = None
) -> HttpResponse:
    context = {**chat_files.build_chip_context(files), "moved": moved, "target": target}
    return render(request, "conversations/composer/_file_chips.html", context)


def _say(words: str, status: int) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
