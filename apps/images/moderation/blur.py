"""Serve blurred copies of sensitive pictures, unless the user asks to see them (`?clear`, `?download`).

Until then only a few colours leave the server. Pages load a blurred picture from its own URL (`?blurred`), so that a
browser does not show a cached clear copy.
"""

from __future__ import annotations

import io

from django.http import Http404, HttpRequest, HttpResponse
from PIL import Image, ImageFilter

GRID = 12  # pixels of the shorter side of the reduced picture
SIDE = 512  # pixels of the longer side of the blurred picture


def is_blurred_for(blur: str, request: HttpRequest) -> bool:
    """Return whether this request gets the blurred copy; `blur` is the clause, "" for a picture that is not blurred."""
    return bool(blur) and not {"clear", "download"} & request.GET.keys()


def blurred_response(content: bytes) -> HttpResponse:
    """Return the blurred picture, never cached. Raises Http404 for empty content."""
    if not content:
        raise Http404
    sent = HttpResponse(blur_picture(content), content_type="image/jpeg")
    sent["Cache-Control"] = "private, no-store"
    return sent


def blur_picture(content: bytes) -> bytes:
    """Return a JPEG of about the same shape in which nothing can be recognised."""
    with Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size
        scale = GRID / min(width, height)
        small = picture.convert("RGB").resize((max(1, round(width * scale)), max(1, round(height * scale))))
    large = SIDE / max(width, height)
    size = max(1, round(width * large)), max(1, round(height * large))
    output = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(12)).save(output, "JPEG", quality=70)
    return output.getvalue()
