"""Views of attached pictures. Rows are fetched as the user's own: unknown and foreign ones are both 404."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.conversations.attachments import queries, uploads
from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.errors import RequestRefused
from apps.conversations.models.attachment import AttachedPicture
from apps.images.moderation import blur
from apps.lib.http_cache import compute_etag, respond_conditionally
from apps.safety.moderation.reviewable import read_stored_bytes
from apps.users.permissions import get_signed_in_user
from apps.users.rate_limits import RateLimited

_AT_ONCE = 8  # ids in one URL


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def attach_picture(request: HttpRequest) -> HttpResponse:
    """Store an uploaded picture (POST) and return its chip; 400 or 429 with the reason.

    A GET returns the chips of the pictures `id`.
    """
    user = get_signed_in_user(request)
    if request.method == "POST":
        file = request.FILES.get("picture")
        try:
            if file is None:
                raise RequestRefused(gettext("Choose a picture first."))
            ids = [uploads.save_upload(user, file).pk]
        except RequestRefused as refusal:
            return HttpResponse(str(refusal), status=400, content_type="text/plain; charset=utf-8")
        except RateLimited as limit:
            return HttpResponse(str(limit), status=429, content_type="text/plain; charset=utf-8")
    else:
        wanted = [pk for raw in request.GET.getlist("id")[:_AT_ONCE] if (pk := parse_id_or_none(raw))]
        visible = AttachedPicture.objects.visible_to(user).filter(pk__in=wanted).values_list("pk", flat=True)
        ids = [pk for pk in wanted if pk in set(visible)]
    return render(request, "conversations/composer/_attachment_chips.html", {"attached": queries.reload_pictures(ids)})


@login_required
@require_safe
def show_picture(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Return the picture; with `?small`, its thumbnail."""
    row = _mine(request, pk)
    if "small" in request.GET and not blur.is_blurred_for(row.blur, request):
        content = bytes(row.thumbnail)
        return respond_conditionally(
            request, compute_etag(content), lambda: HttpResponse(content, content_type="image/jpeg")
        )
    return build_file_response(row, request)


@login_required
@require_POST
def remove_picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete the picture, unless a question was asked about it."""
    uploads.delete_draft(get_signed_in_user(request), _mine(request, pk, allow_held=True).pk)
    return HttpResponse()


def build_file_response(row: AttachedPicture, request: HttpRequest) -> HttpResponseBase:
    """Return the file of the picture, blurred if the user has to confirm first. Raise Http404."""
    if blur.is_blurred_for(row.blur, request):
        return blur.blurred_response(read_stored_bytes(row.file))
    try:
        return respond_conditionally(
            request, row.sha256, lambda: FileResponse(row.file.open("rb"), content_type=row.kind)
        )
    except FileNotFoundError as error:
        raise Http404 from error


def _mine(request: HttpRequest, pk: UUID, *, allow_held: bool = False) -> AttachedPicture:
    row = get_object_or_404(AttachedPicture.objects.visible_to(get_signed_in_user(request)), pk=pk)
    if row.status == AttachedPicture.Status.HELD and not allow_held:
        raise Http404
    return row
