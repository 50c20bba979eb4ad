"""Redraw an uploaded picture without metadata, in the child process that parses documents. Without Django."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from apps.reading.parsing.protocol import ParseError
from apps.reading.parsing.raster_image import read_frame

MAX_SIDE = 2048  # pixels of the longer side of the stored picture
MIN_SIDE = 8  # pixels of the shorter side (see _THIN): thinner pictures show nothing and break vision encoders
THUMBNAIL_SIDE = 320
_COLOURS = 4096  # with fewer colours, it is a drawing or a screenshot, which JPEG would blur
_THIN = "This picture is less than 8 pixels wide or high. Choose a larger one."


def read(path: str, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one dict: `picture` and `thumbnail` in base64, `ending`, `width`, `height`. Raise ParseError."""
    picture = read_frame(path, 1, MAX_SIDE)
    if min(picture.size) < MIN_SIDE:
        raise ParseError(_THIN)
    picture.info = {}  # removes metadata of cameras and programs: places, names, profiles
    flat = picture.getcolors(_COLOURS) is not None
    content = _saved(picture, "PNG", optimize=True) if flat else _saved(picture, "JPEG", quality=90, subsampling=0)
    small = picture.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    yield {
        "picture": content, "thumbnail": _saved(small, "JPEG", quality=80), "ending": "png" if flat else "jpg",
        "width": picture.width, "height": picture.height,
    }  # fmt: skip


def _saved(picture: Image.Image, form: str, **options: Any) -> str:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return base64.b64encode(file.getvalue()).decode()
