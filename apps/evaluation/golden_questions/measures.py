"""Measure how well a search found the expected place of a golden question. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.documents.retrieval.passages import SearchHit
from apps.grounding.passage import Passage

DEPTH = 10  # ranks that count as found


@dataclass(frozen=True, slots=True)
class ExpectedLocation:
    """Expected place of an answer.

    No document: any passage that holds the words. Page 0: anywhere in the document. `start` and `end` are character
    offsets in the page.
    """

    document: UUID | None = None
    page: int = 0
    start: int = 0
    end: int = 0
    words: tuple[str, ...] = ()

    def matches(self, document: UUID, page: int, start: int, end: int, text: str) -> bool:
        """Return whether a span overlaps the expected place, or holds the words if no document is expected."""
        if self.document is None:
            return not self.missing_words([text])
        if document != self.document:
            return False
        return not self.page or (page == self.page and start < self.end and end > self.start)

    def missing_words(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return the expected words that none of the texts holds, as whole words and regardless of case."""
        plain_text = f" {' '.join(_plain(text) for text in texts)} "
        return tuple(word for word in self.words if f" {_plain(word)} " not in plain_text)


@dataclass(frozen=True, slots=True)
class QuotedSentence:
    """Sentence that an answer would quote, with its place."""

    document: UUID
    page: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class SearchMeasures:
    """Measures of the search for one question."""

    rank: int | None  # from 1; None: not among the first DEPTH
    precision: float | None  # None: nothing was quoted
    missing: tuple[str, ...]

    @property
    def reciprocal(self) -> float:
        return 1 / self.rank if self.rank else 0.0

    @property
    def ndcg(self) -> float:
        """Return nDCG@10. One place is relevant, so the ideal gain is 1."""
        return 1 / math.log2(self.rank + 1) if self.rank else 0.0


@dataclass(frozen=True, slots=True)
class MeanMeasures:
    """Means over the questions of a run, each 0..1.

    `precision` is the mean over questions with a quote; None if there is none.
    """

    recall: float  # share of the questions whose place is among the first DEPTH ranks
    mrr: float
    ndcg: float
    precision: float | None


def measure_search(
    expected: ExpectedLocation, hits: Sequence[SearchHit], passages: Sequence[Passage], quotes: Sequence[QuotedSentence]
) -> SearchMeasures:
    """Return the measures of one search. `hits` are those above the relevance threshold, best first.

    If a whole document is expected, its hits count as one rank.
    """
    relevant_hits = [(hit.document_id, expected.matches(*_list_location(hit))) for hit in hits]
    if expected.document is not None and not expected.page:
        relevant_hits = list(dict.fromkeys(relevant_hits))
    rank = next((at for at, (_, right) in enumerate(relevant_hits[:DEPTH], 1) if right), None)
    right = [expected.matches(quote.document, quote.page, quote.start, quote.end, quote.text) for quote in quotes]
    missing = expected.missing_words([passage.full_text for passage in passages])
    return SearchMeasures(rank, sum(right) / len(right) if right else None, missing)


def average_measures(measures: Sequence[SearchMeasures]) -> MeanMeasures:
    """Return the means; zeros for no questions."""
    count = max(1, len(measures))
    precise = [item.precision for item in measures if item.precision is not None]
    return MeanMeasures(
        sum(item.rank is not None for item in measures) / count,
        sum(item.reciprocal for item in measures) / count,
        sum(item.ndcg for item in measures) / count,
        sum(precise) / len(precise) if precise else None,
    )


def _list_location(hit: SearchHit) -> tuple[UUID, int, int, int, str]:
    return hit.document_id, hit.page_number, hit.start, hit.end, hit.text


def _plain(text: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in text.casefold()).split())
