"""Cover redacted text on the images of pages, word by word. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO

from PIL import Image, ImageDraw

from apps.documents.reader.word_boxes import HighlightBox, find_highlight_boxes

FILL_COLOUR = (32, 32, 32)


class RedactionPlaceUnknown(Exception):
    """Error: the place of a redacted span on the image is not known."""


def find_redaction_boxes(words: Sequence[Sequence[float]], spans: Iterable[tuple[int, int]]) -> list[HighlightBox]:
    """Return boxes (left, top, width, height as fractions of the page) that cover every span.

    Raises RedactionPlaceUnknown if a span has none.
    """
    found: list[HighlightBox] = []
    for span in spans:
        own = find_highlight_boxes(words, [span])
        if not own:
            raise RedactionPlaceUnknown
        found += own
    return found


def redact_image(png: bytes, where: Iterable[HighlightBox]) -> bytes:
    """Return the PNG with these boxes filled, one pixel beyond each side."""
    with Image.open(BytesIO(png)) as opened:
        image = opened.convert("RGB")
    draw = ImageDraw.Draw(image)
    for left, top, width, height in where:
        corner = (left * image.width - 1, top * image.height - 1)
        draw.rectangle(
            [corner, ((left + width) * image.width + 1, (top + height) * image.height + 1)], fill=FILL_COLOUR
        )
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
