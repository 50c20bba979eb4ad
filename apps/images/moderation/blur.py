"""Pictures that are not to be seen unasked: every address gives them blurred, with `?clear` or as a download as they
are. Only a few colours of the picture leave the server before somebody asks. Pages show one that is blurred under an
address of its own (`?blurred`), so that no browser puts there what it had kept of it before."""

from __future__ import annotations

import io

from django.http import Http404, HttpRequest, HttpResponse
from PIL import Image, ImageFilter

GRID = 12  # pixels of the shorter side that are left of it
SIDE = 512  # of the longer side as it is sent


def is_blurred_for(blur: str, request: HttpRequest) -> bool:
    """Whether what is asked for is sent blurred; `blur` is the clause under which it is."""
    return bool(blur) and not {"clear", "download"} & request.GET.keys()


def blurred_response(content: bytes) -> HttpResponse:
    """Raises Http404 where there is no picture. Nobody keeps it: it may be shown as it is later."""
    if not content:
        raise Http404
    sent = HttpResponse(blur_picture(content), content_type="image/jpeg")
    sent["Cache-Control"] = "private, no-store"
    return sent


def blur_picture(content: bytes) -> bytes:
    """A JPEG of about the same shape in which nothing can be made out."""
    with Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size
        scale = GRID / min(width, height)
        small = picture.convert("RGB").resize((max(1, round(width * scale)), max(1, round(height * scale))))
    large = SIDE / max(width, height)
    size = max(1, round(width * large)), max(1, round(height * large))
    out = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(12)).save(out, "JPEG", quality=70)
    return out.getvalue()
