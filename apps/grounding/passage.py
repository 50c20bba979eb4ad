"""Passage of a document that an answer may be given from: its place, its text, its sentences in the prompt. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.lib.text.sentences import BULLETS
from apps.lib.text.text_normalization import normalize_text

# Before an item of a list, on a line of its own.
_ITEM_START = re.compile(rf"\n(?=[ \t]*(?:[{BULLETS}*-]|\d{{1,2}}[.)]|[a-z]\))[ \t]+\S)")


@dataclass(frozen=True, slots=True)
class Passage:
    """Run of one page that is relevant to a question, and the sentences of it that go into the prompt."""

    chunk_id: int
    document_id: UUID
    collection_id: UUID
    title: str
    kind: str
    page_number: int
    heading: str
    spans: tuple[tuple[int, int], ...]  # sentences for the prompt as [start, end) in Page.text, in reading order
    text: str  # those sentences joined, whitespace folded, " … " where something was left out
    full_start: int  # hit and neighbours as [full_start, full_end) in Page.text
    full_end: int
    full_text: str  # exactly Page.text[full_start:full_end]
    relevance: float  # calibrated probability, 0 to 1
    cosine: float
    bm25: float


def join_spans(page: str, spans: Sequence[tuple[int, int]], *, lines: bool = False) -> str:
    """Return the spans [start, end) of a page as running text, " … " where text between them was left out.

    With `lines`, a span that begins a new line of the page begins a new line here too, as a term above its definition,
    and so does each item of a list.
    """
    pieces: list[str] = []
    before = None
    for start, end in spans:
        if before is not None:
            left_out = page[before:start]
            pieces.append(" … " if normalize_text(left_out) else "\n" if lines and "\n" in left_out else " ")
        items = _ITEM_START.split(page[start:end]) if lines else [page[start:end]]
        pieces.append("\n".join(map(normalize_text, items)))
        before = end
    return "".join(pieces)
