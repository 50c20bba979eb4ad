"""Turn ranked hits into passages: near-duplicates dropped, at most a few per document, neighbours merged. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from uuid import UUID

from apps.lib.text.analyzer import split_words, stem_word

PER_DOCUMENT = 3  # passages of one document, as long as other documents fill the remaining places
_DUPLICATE_SHARE = 0.9  # share of common terms from which two chunks are near-duplicates
REACH = 4  # neighbouring chunks before and after a hit that are looked at
_BESIDE = 1  # neighbouring chunks before and after a hit that widen its passage in a long section
# Characters of a section that is read whole where one of its chunks was found. On the trial's tuning half the quotes
# hold .68 of the answers with it and .67 without.
_SHORT_SECTION = 2_000


@dataclass(frozen=True, slots=True)
class SearchHit:
    """Chunk that was found, still exists, and may be read by the user."""

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
    terms: frozenset[str]  # stemmed words of title, heading, text and keywords
    cosine: float
    bm25: float
    score: float  # fused; compares with hits of the same question only
    relevance: float  # calibrated probability, 0 to 1
    is_noise: bool = False  # True for a table of contents, an index or noise


@dataclass(frozen=True, slots=True)
class NeighbourChunk:
    """Place of a chunk that stands beside a hit."""

    document_id: UUID
    position: int
    page_number: int
    heading: str
    start: int
    end: int


@dataclass(slots=True)
class PassageWindow:
    """Hit merged with its neighbours: the run of the page from which one passage is made."""

    hit: SearchHit
    first: int  # position of the first chunk in the document
    last: int
    start: int  # [start, end) in Page.text
    end: int

    @property
    def page(self) -> tuple[UUID, int]:
        return self.hit.document_id, self.hit.page_number


def select_diverse(hits: Sequence[SearchHit], limit: int) -> list[SearchHit]:
    """Return at most `limit` hits without near-duplicates, sorted by score.

    One document gets more than PER_DOCUMENT of them only if other documents leave places free.
    """
    selected: list[SearchHit] = []
    passed_over: list[SearchHit] = []
    per_document: Counter[UUID] = Counter()
    for hit in hits:
        if len(selected) == limit:
            break
        if any(_is_near_duplicate(hit, other) for other in selected):
            continue
        if per_document[hit.document_id] == PER_DOCUMENT:
            passed_over.append(hit)
            continue
        per_document[hit.document_id] += 1
        selected.append(hit)
    selected += passed_over[: limit - len(selected)]
    return sorted(selected, key=lambda hit: -hit.score)


def merge_neighbours(hits: Iterable[SearchHit], neighbours: Iterable[NeighbourChunk]) -> list[PassageWindow]:
    """Return a window per hit, widened by its neighbours on the same page and below the same heading: to the whole of a
    short section, else by one chunk on either side.

    Windows that meet are merged and keep the hit that came first; the order of `hits` is kept.
    """
    by_position = {(n.document_id, n.position): n for n in neighbours}
    windows: list[PassageWindow] = []
    for hit in hits:
        window = _open_window(hit, by_position)
        for earlier in windows:
            if _overlap(earlier, window):
                _widen_window(earlier, window.first, window.last, window.start, window.end)
                break
        else:
            windows.append(window)
    return windows


def _open_window(hit: SearchHit, by_position: Mapping[tuple[UUID, int], NeighbourChunk]) -> PassageWindow:
    before, after = (_follow_section(hit, by_position, step) for step in (-1, 1))
    window = _widen_to(hit, [*before, *after])
    ends = max(len(before), len(after)) < REACH  # else the section goes on beyond what was looked at
    if ends and window.end - window.start <= _SHORT_SECTION:
        return window
    return _widen_to(hit, [*before[:_BESIDE], *after[:_BESIDE]])


def _follow_section(
    hit: SearchHit, by_position: Mapping[tuple[UUID, int], NeighbourChunk], step: int
) -> list[NeighbourChunk]:
    """Return the neighbours of the same section on one side of a hit, the nearest first."""
    found = (by_position.get((hit.document_id, hit.position + step * far)) for far in range(1, REACH + 1))
    same = takewhile(lambda one: one and (one.page_number, one.heading) == (hit.page_number, hit.heading), found)
    return [one for one in same if one]


def _widen_to(hit: SearchHit, neighbours: Iterable[NeighbourChunk]) -> PassageWindow:
    window = PassageWindow(hit, hit.position, hit.position, hit.start, hit.end)
    for one in neighbours:
        _widen_window(window, one.position, one.position, one.start, one.end)
    return window


@lru_cache(maxsize=1024)  # about 10 MB; passages recur between searches, and each takes 50 µs
def collect_terms(*texts: str) -> frozenset[str]:
    """Return the distinct stemmed words of all texts."""
    return frozenset(map(stem_word, {word for text in texts for word in split_words(text)}))


def _is_near_duplicate(first: SearchHit, second: SearchHit) -> bool:
    """Return whether two hits share nearly all words and have exactly the same numbers."""
    common = len(first.terms & second.terms)
    return common >= _DUPLICATE_SHARE * len(first.terms | second.terms) and _numbers(first.terms) == _numbers(
        second.terms
    )


def _numbers(words: Iterable[str]) -> set[str]:
    return {word for word in words if word[0].isdigit()}


def _overlap(first: PassageWindow, second: PassageWindow) -> bool:
    return (
        first.page == second.page
        and first.hit.heading == second.hit.heading
        and first.first <= second.last + 1
        and second.first <= first.last + 1
    )


def _widen_window(window: PassageWindow, first: int, last: int, start: int, end: int) -> None:
    window.first, window.last = min(window.first, first), max(window.last, last)
    window.start, window.end = min(window.start, start), max(window.end, end)
