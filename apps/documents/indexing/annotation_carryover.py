"""What people said of passages, carried over where the same text is cut otherwise. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SHARE = 0.5  # of the shorter one: two passages that share so much text are about the same


@dataclass(frozen=True, slots=True)
class ChunkAnnotation:
    """Where a passage stands, and what was said of it."""

    page: int
    start: int
    end: int
    enabled: bool = True
    keywords: str = ""


def carry_over(old: Sequence[ChunkAnnotation], page: int, start: int, end: int) -> tuple[bool, str]:
    """Whether the passage at this place is used in answers, and its keywords, from those that stood there before."""
    near = [mark for mark in old if mark.page == page and _shared(mark, start, end) > 0]
    off = sum(_shared(mark, start, end) for mark in near if not mark.enabled)
    words = [
        word
        for mark in near
        if _shared(mark, start, end) >= _SHARE * min(end - start, mark.end - mark.start)
        for word in mark.keywords.split(", ")
        if word
    ]
    return off < _SHARE * (end - start), ", ".join(dict.fromkeys(words))[:400]


def _shared(mark: ChunkAnnotation, start: int, end: int) -> int:
    return max(0, min(mark.end, end) - max(mark.start, start))
