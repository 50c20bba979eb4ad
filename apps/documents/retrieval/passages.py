"""From chunks found to passages shown: near-duplicates collapsed, a cap for each document, neighbours joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as Sized
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from apps.documents.chunking.text_normalization import normalize_text
from apps.lib.text.analyzer import split_words, stem_word

PER_DOCUMENT = 3  # as long as other documents have something to say too
_SAME = 0.9  # share of common terms above which two chunks say the same
REACH = 1  # chunks before and after a hit that are read with it


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of one page that was found for a question, and the sentences of it that go into the prompt."""

    chunk_id: int
    document_id: UUID
    collection_id: UUID
    title: str
    kind: str
    page_number: int
    heading: str
    spans: tuple[tuple[int, int], ...]  # sentences cut for the prompt, in Page.text
    text: str  # those sentences joined, whitespace folded, " … " where something was left out
    full_start: int  # the hit joined with its neighbours, in Page.text
    full_end: int
    full_text: str  # Page.text[full_start:full_end], exactly
    relevance: float  # calibrated, 0 to 1
    cosine: float
    bm25: float


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A chunk that was found, is there, and may be read by the one who asks."""

    chunk_id: int
    document_id: UUID
    collection_id: UUID
    title: str
    kind: str
    position: int
    page_number: int
    heading: str
    start: int
    end: int
    text: str
    terms: frozenset[str]  # of title, heading and text
    cosine: float
    bm25: float
    score: float  # fused
    relevance: float
    lists: bool = False  # it is a table of contents, an index or noise


@dataclass(frozen=True, slots=True)
class NeighbourChunk:
    """Where the chunks beside a hit stand."""

    document_id: UUID
    position: int
    page_number: int
    heading: str
    start: int
    end: int


@dataclass(slots=True)
class PassageWindow:
    """A hit with its neighbours: what one passage will be read from."""

    hit: SearchHit
    first: int  # positions of chunks
    last: int
    start: int
    end: int

    @property
    def page(self) -> tuple[UUID, int]:
        return self.hit.document_id, self.hit.page_number


def select_diverse(hits: Sequence[SearchHit], limit: int) -> list[SearchHit]:
    """The best hits, best first, each saying something of its own. One document gets more than PER_DOCUMENT places
    only where no other wants them."""
    kept: list[SearchHit] = []
    passed_over: list[SearchHit] = []
    seen: Counter[UUID] = Counter()
    for hit in hits:
        if len(kept) == limit:
            break
        if any(_same(hit, other) for other in kept):
            continue
        if seen[hit.document_id] == PER_DOCUMENT:
            passed_over.append(hit)
            continue
        seen[hit.document_id] += 1
        kept.append(hit)
    kept += passed_over[: limit - len(kept)]
    return sorted(kept, key=lambda hit: -hit.score)


def merge_neighbours(hits: Iterable[SearchHit], neighbours: Iterable[NeighbourChunk]) -> list[PassageWindow]:
    """Each hit joined with its neighbours of the same page and heading; hits that meet are one, led by the better."""
    beside = {(n.document_id, n.position): n for n in neighbours}
    found: list[PassageWindow] = []
    for hit in hits:
        window = PassageWindow(hit, hit.position, hit.position, hit.start, hit.end)
        for position in range(hit.position - REACH, hit.position + REACH + 1):
            near = beside.get((hit.document_id, position))
            if near is not None and (near.page_number, near.heading) == (hit.page_number, hit.heading):
                _widen(window, near.position, near.position, near.start, near.end)
        for other in found:
            if _meet(other, window):
                _widen(other, window.first, window.last, window.start, window.end)
                break
        else:
            found.append(window)
    return found


def join_spans(page: str, spans: Sequence[tuple[int, int]], *, lines: bool = False) -> str:
    """Return the spans of a page as running text, " … " where something between them was left out.

    With `lines`, a span that begins a new line of the page begins one here too: a term above what explains it.
    """
    pieces: list[str] = []
    before = None
    for start, end in spans:
        if before is not None:
            left_out = page[before:start]
            pieces.append(" … " if normalize_text(left_out) else "\n" if lines and "\n" in left_out else " ")
        pieces.append(normalize_text(page[start:end]))
        before = end
    return "".join(pieces)


@lru_cache(maxsize=1024)  # about 10 MB; the same passages are found again and again, and each takes 50 µs
def collect_terms(*texts: str) -> frozenset[str]:
    """The distinct stemmed words of some texts."""
    return frozenset(map(stem_word, {word for text in texts for word in split_words(text)}))


def _same(one: SearchHit, other: SearchHit) -> bool:
    """Whether two chunks hold the same words and exactly the same numbers."""
    common = len(one.terms & other.terms)
    return common >= _SAME * len(one.terms | other.terms) and _numbers(one.terms) == _numbers(other.terms)


def _numbers(words: Sized[str]) -> set[str]:
    return {word for word in words if word[0].isdigit()}


def _meet(one: PassageWindow, other: PassageWindow) -> bool:
    return (
        one.page == other.page
        and one.hit.heading == other.hit.heading
        and one.first <= other.last + 1
        and other.first <= one.last + 1
    )


def _widen(window: PassageWindow, first: int, last: int, start: int, end: int) -> None:
    window.first, window.last = min(window.first, first), max(window.last, last)
    window.start, window.end = min(window.start, start), max(window.end, end)
