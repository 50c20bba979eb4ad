"""Lay the words of a page invisibly over its image, so that they can be selected, copied and found. Pure.

They are an SVG, because places are attributes there, and the site's content security policy forbids inline styles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

SCALE = 1000  # units of the view box per page width
_SHARED = 0.5  # vertical overlap, as a share of the lower word's height, from which two words are on one line
_BASE = 0.22  # share of a line's height below its baseline
_SOFT_HYPHEN = "\u00ad"


@dataclass(frozen=True, slots=True)
class TextLayer:
    """Text elements of an SVG, one per printed line; `height` is that of a view box of width SCALE."""

    height: int
    lines: SafeString


@dataclass(frozen=True, slots=True)
class _Word:
    """Word with its place as fractions of the page."""

    text: str
    left: float
    top: float
    width: float
    height: float


def build_text_layer(text: str, words: Iterable[Sequence[float]], ratio: float) -> TextLayer:
    """Return the text layer of a page. `words` are as in `Page.boxes`; `ratio` is the page's height by its width."""
    lines = [
        (round(_size(line, ratio), 1), round(_base(line, ratio), 1), _spans(line))
        for line in _lines(_filter_words(text, words))
    ]
    return TextLayer(
        round(SCALE * ratio),
        format_html_join("\n", '<text font-size="{}" y="{}">{}</text>', lines),
    )


def _filter_words(text: str, words: Iterable[Sequence[float]]) -> Iterable[_Word]:
    last = -1.0
    for start, end, left, top, width, height in words:
        if start == last:
            continue  # second box of a word that continues in the next line: its letters are not known
        last = start
        letters = text[int(start) : int(end)].strip().rstrip(_SOFT_HYPHEN)
        if letters and width > 0 and height > 0:
            yield _Word(letters, left, top, width, height)


def _lines(words: Iterable[_Word]) -> list[list[_Word]]:
    lines: list[list[_Word]] = []
    for word in words:
        if lines and _goes_on(lines[-1][-1], word):
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines


def _goes_on(before: _Word, word: _Word) -> bool:
    shared = min(before.top + before.height, word.top + word.height) - max(before.top, word.top)
    return shared > _SHARED * min(before.height, word.height) and word.left >= before.left


def _size(line: Sequence[_Word], ratio: float) -> float:
    return max(word.height for word in line) * SCALE * ratio


def _base(line: Sequence[_Word], ratio: float) -> float:
    bottom = max(word.top + word.height for word in line) * SCALE * ratio
    return bottom - _BASE * _size(line, ratio)


def _spans(line: Sequence[_Word]) -> SafeString:
    places = [(round(word.left * SCALE, 1), round(max(word.width * SCALE, 0.1), 1), word.text) for word in line]
    return format_html_join(" ", '<tspan x="{}" textLength="{}" lengthAdjust="spacingAndGlyphs">{}</tspan>', places)
