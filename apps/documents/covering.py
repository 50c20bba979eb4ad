"""What is taken out of a document's text is covered on the images of its pages, word by word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO

from PIL import Image, ImageDraw

from apps.documents.recognised import Box, lit

INK = (32, 32, 32)


class Uncovered(Exception):
    """Where a part stands on the image is not known."""


def boxes(words: Sequence[Sequence[float]], spans: Iterable[tuple[int, int]]) -> list[Box]:
    """Of every span, left, top, width, height in fractions of the page. Raises Uncovered where one has none."""
    found: list[Box] = []
    for span in spans:
        own = lit(words, [span])
        if not own:
            raise Uncovered
        found += own
    return found


def covered(png: bytes, where: Iterable[Box]) -> bytes:
    """The PNG with these boxes filled."""
    with Image.open(BytesIO(png)) as opened:
        image = opened.convert("RGB")
    draw = ImageDraw.Draw(image)
    for left, top, width, height in where:
        corner = (left * image.width - 1, top * image.height - 1)
        draw.rectangle([corner, ((left + width) * image.width + 1, (top + height) * image.height + 1)], fill=INK)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
