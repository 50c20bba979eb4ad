"""Public page that shows the content credentials and watermark of an uploaded picture. Nothing is stored."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.engines.image import watermark
from apps.images.models import Picture
from apps.images.provenance import content_credentials

if TYPE_CHECKING:
    from PIL.Image import Image

_BYTES = 32 * 1024 * 1024
_PIXELS = 40_000_000  # above this the watermark is not searched, to bound memory
_UNREADABLE = "This is no PNG, JPEG or WebP picture of up to 32 MB, so nothing can be said about it."


@require_http_methods(["GET", "HEAD", "POST"])
def verify_picture(request: HttpRequest) -> HttpResponse:
    """Show the form; a POST shows the credentials of `picture`, and whether it was drawn here."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        context = _examine(request)
    return render(request, "images/verify.html", context, status=400 if context.get("problem") else 200)


def _examine(request: HttpRequest) -> dict[str, Any]:
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    file = request.FILES.get("picture")
    if file is None or (file.size or 0) > _BYTES:
        return {"problem": "Choose a picture first." if file is None else _UNREADABLE}
    content = file.read()
    try:
        with Pillow.open(io.BytesIO(content), formats=["PNG", "JPEG", "WEBP"]) as opened:
            kind = f"image/{(opened.format or '').lower()}"
            mark = _mark(opened)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
        return {"problem": _UNREADABLE}
    rows = Picture.objects.only("model", "created")
    picture = rows.filter(sha256=hashlib.sha256(content).hexdigest()).first()
    marked = rows.filter(watermark_id=mark).first() if mark is not None else None
    credentials = content_credentials.read_credentials(content, kind)
    reads = content_credentials.can_sign()
    return {
        "examined": True,
        "reads_credentials": reads,
        "credentials": credentials,
        "known": picture,
        "marked": marked,
        "name": file.name,
    }


def _mark(picture: Image) -> int | None:
    """Return the number in the watermark; None without one, or if the picture is too large or broken."""
    if picture.width * picture.height > _PIXELS:
        return None
    try:
        return watermark.read_watermark(picture)
    except (OSError, ValueError, SyntaxError):
        return None
