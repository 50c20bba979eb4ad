"""Find the boxes of a passage on a page image from its words, merged line by line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from unicodedata import normalize

from PIL import Image, ImageDraw

HighlightBox = list[float]  # left, top, width, height as fractions of the page
_SHARED = 0.5  # vertical overlap, as a share of the lower word's height, from which two words are on one line
_APART = 0.05  # gap, as a share of the page's width, from which two words are in different columns
_PAD = 0.002  # margin of a box, as a share of the page


def find_highlight_boxes(words: Iterable[Sequence[float]], spans: Iterable[tuple[int, int]]) -> list[HighlightBox]:
    """Return boxes over the words that the spans touch. `words` are as in `Page.boxes`."""
    remaining = list(spans)
    lines: list[list[float]] = []  # left, top, right, bottom
    for start, end, left, top, width, height in words:
        if any(start < stop and first < end for first, stop in remaining):
            box = [left, top, left + width, top + height]
            if lines and _on_one_line(lines[-1], box):
                last = lines[-1]
                lines[-1] = [min(last[0], left), min(last[1], top), max(last[2], box[2]), max(last[3], box[3])]
            else:
                lines.append(box)
    return [_padded(line) for line in lines]


def has_same_offsets(text: str, stored: str) -> bool:
    """Return whether words have the same offsets in a page's text as it is read now and as it was stored.

    An earlier version may have read tables or hyphens of the page otherwise. Redacted characters count as equal.
    """
    pairs = zip(text, stored, strict=False)
    differ = (pair for pair in pairs if pair[0] != pair[1] and pair[0].isalnum() and pair[1].isalnum())
    return len(text) == len(stored) and all(normalize("NFKC", one) == normalize("NFKC", two) for one, two in differ)


def _on_one_line(line: Sequence[float], box: Sequence[float]) -> bool:
    shared = min(line[3], box[3]) - max(line[1], box[1])
    lower = min(line[3] - line[1], box[3] - box[1])
    return shared > _SHARED * lower and -_APART < box[0] - line[2] < _APART


def _padded(box: Sequence[float]) -> HighlightBox:
    left, top = max(0.0, box[0] - _PAD), max(0.0, box[1] - _PAD)
    right, bottom = min(1.0, box[2] + _PAD), min(1.0, box[3] + _PAD)
    return [round(left, 5), round(top, 5), round(right - left, 5), round(bottom - top, 5)]


FILL_COLOUR = (32, 32, 32)


class RedactionPlaceUnknown(Exception):
    """Error: the place of a redacted span on the image is not known."""


def find_redaction_boxes(words: Sequence[Sequence[float]], spans: Iterable[tuple[int, int]]) -> list[HighlightBox]:
    """Return boxes (left, top, width, height as fractions of the page) that cover every span.

    Raises RedactionPlaceUnknown if a span has none.
    """
    boxes: list[HighlightBox] = []
    for span in spans:
        word_boxes = find_highlight_boxes(words, [span])
        if not word_boxes:
            raise RedactionPlaceUnknown
        boxes += word_boxes
    return boxes


def redact_image(png: bytes, boxes: Iterable[HighlightBox]) -> bytes:
    """Return the PNG with these boxes filled, one pixel beyond each side."""
    with Image.open(BytesIO(png)) as opened:
        image = opened.convert("RGB")
    draw = ImageDraw.Draw(image)
    for left, top, width, height in boxes:
        corner = (left * image.width - 1, top * image.height - 1)
        draw.rectangle(
            [corner, ((left + width) * image.width + 1, (top + height) * image.height + 1)], fill=FILL_COLOUR
        )
    output = BytesIO()
    image.save(output, "PNG")
    return output.getvalue()
