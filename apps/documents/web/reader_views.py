"""Views for reading a document: its pages, a passage in place, the file. Permission is checked at each request."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from apps.documents.models import Collection, Document
from apps.documents.moderation import document_redaction
from apps.documents.reader import page_view, passage_navigation
from apps.lib.concurrency.threads import in_pool
from apps.lib.text.number_parsing import parse_number
from apps.safety.text.normalization import hash_text
from apps.users.models import UserNotice
from apps.users.models.notice import DocumentFault
from apps.users.notices import dismiss_notices, notify_users
from apps.users.permissions import get_signed_in_user

ZOOMS = (100, 150, 200)  # percent of the width of the column
_BLOCK = 1 << 18


def _get_readable_document(request: HttpRequest, pk: UUID) -> Document:
    return get_object_or_404(Document.all_objects.visible_to(request.user).select_related("collection"), pk=pk)


@login_required
@require_safe
def show_document(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a page of a document, with a passage boxed or marked if spans are given, and dismiss notices about it."""
    document = _get_readable_document(request, pk)
    dismiss_notices(get_signed_in_user(request), pk)
    zoom = parse_number(request.GET.get("zoom", ""))
    as_text = document.has_pages and request.GET.get("view") == "text"
    number, spans = parse_number(request.GET.get("page", "")), request.GET.get("spans", "")
    view = page_view.build_page_view(document, number, spans, request.GET.get("here", ""), as_text=as_text)
    context = {
        "document": document,
        "view": view,
        "as_text": as_text,
        "navigation": passage_navigation.find_neighbour_passages(document, view.number, page_view.parse_spans(spans)),
        "small": [] if as_text else passage_navigation.list_thumbnails(document, view.number),
        "zoom": zoom if zoom in ZOOMS else ZOOMS[0],
        "zooms": ZOOMS,
        "view_query": "&view=text" if as_text else f"&zoom={zoom}" if zoom in ZOOMS[1:] else "",
        "can_edit": Collection.objects.editable_by(request.user).filter(pk=document.collection_id).exists(),
        "earlier": Document.all_objects.filter(replaces=document, status=Document.Status.REPLACED).order_by("-version"),
    }
    return render(request, "documents/document.html", context)


@login_required
@require_safe
def show_passage(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Render a passage in place for a side panel: the whole page image, or the text around the passage."""
    number, spans = parse_number(request.GET.get("page", "")), request.GET.get("spans", "")
    view = page_view.build_page_view(
        _get_readable_document(request, pk),
        number,
        spans,
        request.GET.get("here", ""),
        context=page_view.CONTEXT_CHARACTERS,
    )
    faults = [] if view.document.collection.owner_id == request.user.pk else DocumentFault.choices
    context = {"view": view, "document": view.document, "zoom": 100, "faults": faults}
    return render(request, "documents/_page_panel.html", context)


@login_required
@require_POST
def tell_owner(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Tell the owner of the collection that a page of the document is out of date, wrong or was not read correctly.

    Takes the place of an unseen notice about the same document. Status 400 for an unknown fault or page.
    """
    document = _get_readable_document(request, pk)
    fault, page = request.POST.get("fault", ""), parse_number(request.POST.get("page", ""))
    if fault not in DocumentFault.values or not 1 <= page <= document.pages_count:
        return HttpResponseBadRequest()
    details = {"by": str(request.user), "fault": fault, "page": page}
    notify_users([document.collection.owner_id], UserNotice.Kind.DOCUMENT, document.pk, str(document), **details)
    return HttpResponse(gettext("The owner was told."), content_type="text/plain; charset=utf-8")


@login_required
@require_safe
def send_page_image(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Send the image of a page. Browsers revalidate it each time, so that revoked access ends at once."""
    document = _get_readable_document(request, pk)
    width = page_view.choose_width(parse_number(request.GET.get("w", ""), page_view.WIDTHS[2]))
    if not document.has_pages or not 1 <= number <= document.pages_count:
        raise Http404
    cut = "".join(f"-{start}.{end}" for start, end in document_redaction.list_redacted_spans(document, number))
    tag = f'"{document.sha256[:32]}-{number}-{width}-{page_view.RENDERER_VERSION}{hash_text(cut)[:16] if cut else ""}"'
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        try:
            response = HttpResponse(page_view.get_page_png(document, number, width), content_type="image/png")
        except page_view.PageImageError as error:
            raise Http404 from error
    response["ETag"], response["Cache-Control"] = tag, "private, no-cache"
    return response


@login_required
@require_safe
def download_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Send the original file, always as a download, never shown in the site's origin. Status 403 if a part is
    redacted."""
    document = _get_readable_document(request, pk)
    if document_redaction.is_redacted(document):
        words = gettext(
            "A reviewer redacted a part of this document, so its file cannot be downloaded. You can read its text."
        )
        return HttpResponse(words, status=403, content_type="text/plain; charset=utf-8")
    path = find_stored_file(document)
    if path is None:
        raise Http404
    return send_file(request, open_file(path), document.name)


def find_stored_file(document: Document) -> Path | None:
    """Return the path of the original file; None if it is gone, or leads out of the folder of files."""
    root, path = Path(settings.MEDIA_ROOT), Path(settings.MEDIA_ROOT) / str(document.file)
    sound = not path.is_symlink() and path.is_file() and path.resolve().is_relative_to(root.resolve())
    return path if sound else None


def send_file(request: HttpRequest, opened: BinaryIO, name: str) -> HttpResponseBase:
    """Send an open file as a download with that name, never shown in the site's origin. The response closes it."""
    if isinstance(request, ASGIRequest):
        response: HttpResponseBase = StreamingHttpResponse(_parts(opened))
        response["Content-Length"] = str(os.fstat(opened.fileno()).st_size)
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    else:
        response = FileResponse(opened, as_attachment=True, filename=name)
    response["Content-Type"] = "application/octet-stream"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def open_file(path: Path) -> BinaryIO:
    """Open the file; OSError if it was replaced by a link."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")


async def _parts(opened: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while part := await in_pool(opened.read, _BLOCK):
            yield part
    finally:
        opened.close()
