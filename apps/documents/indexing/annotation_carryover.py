"""Carry users' annotations of passages over to new chunks of the same text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_MIN_SHARE = 0.5  # of the shorter passage, from which two overlapping passages count as the same


@dataclass(frozen=True, slots=True)
class ChunkAnnotation:
    """Place of a passage, [start, end) in the text of a page, with its annotations."""

    page: int
    start: int
    end: int
    enabled: bool = True
    keywords: str = ""


def carry_over(old: Sequence[ChunkAnnotation], page: int, start: int, end: int) -> tuple[bool, str]:
    """Return whether the new passage at this place is enabled, and its keywords, from the annotations of the old ones.

    It is disabled if at least half of it was. It gets the keywords of every old passage that shares half the text of
    the shorter one.
    """
    near = [mark for mark in old if mark.page == page and _count_shared(mark, start, end) > 0]
    off = sum(_count_shared(mark, start, end) for mark in near if not mark.enabled)
    words = [
        word
        for mark in near
        if _count_shared(mark, start, end) >= _MIN_SHARE * min(end - start, mark.end - mark.start)
        for word in mark.keywords.split(", ")
        if word
    ]
    return off < _MIN_SHARE * (end - start), ", ".join(dict.fromkeys(words))[:400]


def _count_shared(mark: ChunkAnnotation, start: int, end: int) -> int:
    return max(0, min(mark.end, end) - max(mark.start, start))
