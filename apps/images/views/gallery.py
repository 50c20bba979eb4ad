"""Pages of the gallery and of single pictures. Pictures of other users give 404, like unknown ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.engines.types import EngineError
from apps.images.generation import model_info, scheduler
from apps.images.library import filters as library_filters
from apps.images.library import gallery, generation_details
from apps.images.models import Picture, PreviewFrame
from apps.images.moderation import blur
from apps.images.requests import presets, prompt_expansion, submission, upscaling
from apps.images.requests.forms import PictureForm
from apps.lib.http_cache import compute_etag, respond_conditionally
from apps.safety.moderation.reviewable import read_stored_bytes
from apps.users.i18n import translate_stored
from apps.users.models import User
from apps.users.permissions import get_signed_in_user
from apps.users.rate_limits import RateLimited

_PAGE = 48


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_gallery(request: HttpRequest) -> HttpResponse:
    """Show form and gallery; a POST requests pictures.

    `?from=` fills the form with the recipe of a picture, `?preset=` with a preset.
    """
    user = get_signed_in_user(request)
    try:
        model = model_info.get_model()
    except EngineError as error:
        context = {"unavailable": str(error), **_rows(request)}
        return render(request, "images/pictures.html", context, status=409 if request.method == "POST" else 200)
    parent = find_parent(request)
    offered = presets.list_presets(user, model, PictureForm(model, parent=parent))
    chosen = next((one for one in offered if str(one.row.pk) == request.GET.get("preset")), None)
    sent: QueryDict | None = request.POST if request.method == "POST" else None
    if sent is not None and "named" in sent:  # the user chose one of the suggested names
        changed = sent.copy()
        changed["prompt"] = sent.get("named", "")
        sent = changed
    form = PictureForm(model, sent, parent=parent, settings=chosen.values if chosen else None)
    unknown: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            unknown = (
                [] if "anyway" in request.POST else prompt_expansion.suggest_names(model, form.picture_request.prompt)
            )
            if not unknown:
                submission.request_pictures(user, form.picture_request)
                return redirect_to_tiles()
        except (submission.PictureRequestRefused, EngineError) as error:
            form.add_error(None, translate_stored(error))
    context = {
        "form": form, "model": model, "parent": parent, "presets": offered, "chosen": chosen, "unknown": unknown,
        **_rows(request),
    }  # fmt: skip
    return render(request, "images/pictures.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
async def expand_prompt(request: HttpRequest) -> HttpResponse:
    """Return a fragment: an expanded prompt, names to choose from, or why there is neither."""
    user = cast(User, await request.auser())
    try:
        expansion = await prompt_expansion.expand_prompt(user, request.POST.get("prompt", ""))
    except (submission.PictureRequestRefused, RateLimited, EngineError) as error:
        return render(request, "images/_prompt_expansion_result.html", {"problem": str(error)})
    return render(
        request, "images/_prompt_expansion_result.html", {"prompt": expansion.prompt, "names": expansion.names}
    )


@login_required
@require_safe
def show_tiles(request: HttpRequest) -> HttpResponse:
    """Return the grid as a fragment, which the page polls while pictures are drawn."""
    return render(request, "images/_tiles.html", _rows(request))


@login_required
@require_safe
def show_picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a picture with its recipe, variants and drawing details."""
    row = _get_own_picture(request, pk)
    context = {
        "picture": row,
        "variants": gallery.list_variants(row),
        "batch": gallery.list_batch(row),
        "ancestors": gallery.list_ancestors(row),
        "upscale_factor": upscaling.largest_factor(row),
        "details": generation_details.describe_generation(row),
        "can_inpaint": model_info.can_inpaint(),
    }
    return render(request, "images/picture.html", context)


@login_required
@require_safe
def serve_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Return the signed PNG; `?download` as an attachment."""
    row = _get_own_picture(request, pk)
    if row.status != Picture.Status.READY:
        raise Http404
    if blur.is_blurred_for(row.blur, request):
        return blur.blurred_response(read_stored_bytes(row.file))
    file_name = f"{row.file_stem}-{row.seed}.png"

    def opened() -> HttpResponseBase:
        return FileResponse(row.file.open("rb"), as_attachment="download" in request.GET, filename=file_name)

    try:
        return respond_conditionally(request, row.sha256 or str(row.pk), opened)
    except FileNotFoundError as error:
        raise Http404 from error


@login_required
@require_safe
def serve_preview(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Return the present preview, a small JPEG."""
    row = _get_own_picture(request, pk)
    if not row.preview or row.status == Picture.Status.HELD:
        raise Http404
    if blur.is_blurred_for(row.blur, request):
        return blur.blurred_response(bytes(row.preview))
    if row.active:
        return HttpResponse(
            bytes(row.preview), content_type="image/jpeg", headers={"Cache-Control": "private, no-store"}
        )
    return _small(request, bytes(row.preview))


@login_required
@require_safe
def serve_frame(request: HttpRequest, pk: UUID, step: int) -> HttpResponseBase:
    """Return the preview after that step, a small JPEG."""
    row = _get_own_picture(request, pk)
    if row.status == Picture.Status.HELD:
        raise Http404
    content = bytes(get_object_or_404(PreviewFrame, picture=row, step=step).preview)
    return blur.blurred_response(content) if blur.is_blurred_for(row.blur, request) else _small(request, content)


@login_required
@require_POST
def cancel_drawing(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel a picture; a drawing stops at its next step."""
    gallery.cancel_drawing(get_signed_in_user(request), _get_own_picture(request, pk))
    return _redirect_back(request)


@login_required
@require_POST
def draw_variation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Request a picture with the same recipe and another seed."""
    return _run_action(
        request,
        lambda user, row: submission.request_pictures(user, gallery.make_variation(row)),
        _get_own_picture(request, pk),
    )


@login_required
@require_POST
def repeat_drawing(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Request a picture with exactly the same recipe, to check that the same picture results."""
    return _run_action(request, _repetition, _get_own_picture(request, pk))


@login_required
@require_POST
def upscale_picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Request an upscaled copy."""
    return _run_action(request, upscaling.request_upscale, _get_own_picture(request, pk))


@login_required
@require_POST
def toggle_favourite(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark the picture as favourite, or unmark it."""
    row = _get_own_picture(request, pk)
    gallery.set_favourite(get_signed_in_user(request), row, favourite=not row.favourite)
    return _redirect_back(request)


@login_required
@require_POST
def delete_pictures(request: HttpRequest) -> HttpResponse:
    """Delete the pictures of the parameter `picture`, with their files; drawings stop."""
    number = gallery.delete_pictures(get_signed_in_user(request), _chosen(request))
    messages.success(request, ngettext("%(n)s picture deleted.", "%(n)s pictures deleted.", number) % {"n": number})
    return redirect("images:pictures")


@login_required
@require_POST
def download_pictures(request: HttpRequest) -> HttpResponseBase:
    """Return the pictures of the parameter `picture` as a ZIP file with their recipes."""
    rows = Picture.objects.filter(
        owner=get_signed_in_user(request), pk__in=_chosen(request), status=Picture.Status.READY
    )
    if not rows:
        messages.error(request, gettext("Select at least one finished picture."))
        return redirect("images:pictures")
    return FileResponse(gallery.make_archive(rows), as_attachment=True, filename="pictures.zip")


def _repetition(user: User, row: Picture) -> Any:
    if row.upscale:
        return upscaling.repeat_upscale(user, row)
    return submission.request_pictures(user, gallery.make_repetition(row))


def _run_action(request: HttpRequest, action: Callable[[User, Picture], Any], row: Picture) -> HttpResponse:
    try:
        action(get_signed_in_user(request), row)
    except (submission.PictureRequestRefused, EngineError) as error:
        messages.error(request, translate_stored(error))
        return redirect("images:pictures")
    return redirect_to_tiles()


def redirect_to_tiles() -> HttpResponse:
    """Redirect to the gallery, scrolled to its newest pictures."""
    return redirect(reverse("images:pictures") + "#tiles")


def _small(request: HttpRequest, content: bytes) -> HttpResponseBase:
    return respond_conditionally(
        request, compute_etag(content), lambda: HttpResponse(content, content_type="image/jpeg")
    )


def _get_own_picture(request: HttpRequest, pk: UUID) -> Picture:
    return get_object_or_404(Picture, pk=pk, owner=get_signed_in_user(request))


def find_parent(request: HttpRequest) -> Picture | None:
    """Return the user's picture of `?from=`; None if the parameter is no id. Raises Http404 for an unknown one."""
    try:
        pk = UUID(request.GET.get("from", ""))
    except ValueError:
        return None
    return _get_own_picture(request, pk)


def _chosen(request: HttpRequest) -> list[UUID]:
    try:
        return [UUID(value) for value in request.POST.getlist("picture")]
    except ValueError as error:
        raise Http404 from error


def _redirect_back(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        return render(request, "images/_tiles.html", _rows(request))
    return redirect("images:pictures")


def _rows(request: HttpRequest) -> dict[str, Any]:
    filters = library_filters.parse_filters(request.GET)
    show, text = filters.show, filters.text
    rows = filters.narrow(gallery.search_pictures(get_signed_in_user(request), show, text)).without_large_fields()
    page = Paginator(rows, _PAGE).get_page(request.GET.get("page"))
    pictures = list(page)
    active = any(row.active for row in pictures)
    positions = scheduler.queue_positions() if active else {}
    for row in pictures:
        row.ahead = positions.get(row.pk, 0)  # type: ignore[attr-defined]
    return {
        "rows": pictures,
        "page": page,
        "show": show,
        "text": text,
        "active": active,
        "shows": gallery.GALLERY_VIEWS,
    } | {
        "can_inpaint": model_info.can_inpaint(),
        **library_filters.list_choices(get_signed_in_user(request), filters),
    }
