"""How words are weighed, and how candidates of several segments become one list: the same for every backend."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.engines.base import Candidate, IndexResult
from apps.lib.words import content_terms

if TYPE_CHECKING:
    from apps.engines.base import IndexEntry

FIELDS: Mapping[str, float] = {"title": 2.0, "heading": 1.5, "text": 1.0}  # how much a word counts where it stands
MAX_TERMS = 40  # of a pasted page the rarest words say what it is about; more only cost time
K1, B = 1.2, 0.75  # as tantivy computes BM25


def idf(frequency: int, total: int) -> float:
    """Inverse document frequency as tantivy computes it: always above zero."""
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def query_terms(text: str) -> list[str]:
    """The distinct terms of a question, in order of appearance."""
    return list(dict.fromkeys(content_terms(text)))


def field_texts(entry: IndexEntry) -> dict[str, str]:
    return {"title": entry.title, "heading": entry.heading, "text": entry.text}


@dataclass(frozen=True, slots=True)
class Weights:
    """Inverse document frequencies over all segments searched: by (field, term), and by term."""

    fields: dict[tuple[str, str], float]
    terms: dict[str, float]


def weigh(terms: Iterable[str], frequencies: Mapping[tuple[str, str], int], total: int) -> Weights:
    """Weights from document frequencies added up over the segments; of more than MAX_TERMS terms only the rarest count.

    A term's own weight comes from the field in which it is most frequent: a word in every title says nothing.
    """
    known = {term: max(frequencies.get((field, term), 0) for field in FIELDS) for term in terms}
    by_term = {term: idf(count, total) for term, count in known.items()}
    matching = [term for term, count in known.items() if count]
    kept = heapq.nlargest(MAX_TERMS, matching, key=by_term.__getitem__)
    fields = {
        (field, term): idf(count, total)
        for term in kept
        for field in FIELDS
        if (count := frequencies.get((field, term), 0))
    }
    return Weights(fields, by_term)


@dataclass(slots=True)
class Found:
    """One chunk as its segment saw it."""

    chunk_id: int
    cosine: float
    bm25: float


def best(by_meaning: Iterable[Found], by_words: Iterable[Found], limit: int, weights: Weights) -> IndexResult:
    """The best `limit` of each kind over all segments, joined, in order of cosine. Ties are broken by id, so that the
    answer does not depend on the order of segments."""
    meaning = heapq.nsmallest(limit, by_meaning, key=lambda found: (-found.cosine, found.chunk_id))
    words = heapq.nsmallest(limit, by_words, key=lambda found: (-found.bm25, found.chunk_id))
    joined = {found.chunk_id: found for found in meaning}
    for found in words:
        known = joined.setdefault(found.chunk_id, found)
        known.bm25 = found.bm25
    ranked = sorted(joined.values(), key=lambda found: (-found.cosine, found.chunk_id))
    return IndexResult(tuple(Candidate(f.chunk_id, f.cosine, f.bm25) for f in ranked), weights.terms)
