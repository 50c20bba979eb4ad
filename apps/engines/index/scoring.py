"""How words are weighed, and how candidates of several segments become one list: the same for every backend."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.engines.types import Candidate, IndexResult
from apps.lib.text.analyzer import extract_content_terms

if TYPE_CHECKING:
    from apps.engines.types import IndexEntry, Vectors

# One field, in which a word of the title stands twice. Scores of several short fields, added up, drown the text: on
# CACM that cost 0.10 of nDCG@10, on product documentation 0.05 (`docs/develop/decisions/012-*.md`).
FIELDS: Mapping[str, float] = {"words": 1.0}
_TITLE_TIMES = 2
MAX_TERMS = 40  # of a pasted page the rarest words say what it is about; more only cost time
K1, B = 1.2, 0.75  # as tantivy computes BM25


def compute_idf(frequency: int, total: int) -> float:
    """Inverse document frequency as tantivy computes it: always above zero."""
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def join_idf(parts: Sequence[tuple[Mapping[str, float], int]]) -> dict[str, float]:
    """Return how rare each word is among the chunks of several indexes, from the weights and chunk count of each."""
    total = sum(count for _, count in parts)
    holding: dict[str, float] = {}
    for weights, count in parts:
        for term, weight in weights.items():  # the formula of `idf`, backwards
            holding[term] = holding.get(term, 0.0) + max(0.0, (count + 1) * math.exp(-weight) - 0.5)
    return {term: math.log((total + 1) / (held + 0.5)) for term, held in holding.items()}


def extract_query_terms(text: str) -> list[str]:
    """The terms of a question in order of appearance: one that stands there twice, twice."""
    return extract_content_terms(text)


def get_field_texts(entry: IndexEntry) -> dict[str, str]:
    """What is indexed of a chunk by field. Where heading or text begin with the title, that is not counted again."""
    title = " ".join(entry.title.split())
    rest = [_without(entry.heading, title), _without(entry.text, title)]
    return {"words": "\n".join([title] * _TITLE_TIMES + rest)}


def _without(text: str, title: str) -> str:
    return text[len(title) :] if title and text[: len(title)].casefold() == title.casefold() else text


@dataclass(frozen=True, slots=True)
class TermWeights:
    """Inverse document frequencies over all segments searched: by (field, term), and by term."""

    fields: dict[tuple[str, str], float]
    terms: dict[str, float]


def weigh_terms(terms: Iterable[str], frequencies: Mapping[tuple[str, str], int], total: int) -> TermWeights:
    """Weights from document frequencies added up over the segments; of more than MAX_TERMS terms only the rarest count.

    A question that says a word twice means it twice: its weight in the score is doubled, that by term is not.
    """
    times = Counter(terms)
    known = {term: max(frequencies.get((field, term), 0) for field in FIELDS) for term in times}
    by_term = {term: compute_idf(count, total) for term, count in known.items()}
    matching = [term for term, count in known.items() if count]
    kept = heapq.nlargest(MAX_TERMS, matching, key=by_term.__getitem__)
    fields = {
        (field, term): times[term] * compute_idf(count, total)
        for term in kept
        for field in FIELDS
        if (count := frequencies.get((field, term), 0))
    }
    return TermWeights(fields, by_term)


@dataclass(slots=True)
class SegmentHit:
    """One chunk as its segment saw it."""

    chunk_id: int
    cosine: float
    bm25: float
    segment: int = 0  # which of those that are searched
    position: int = -1  # in it


def get_lexical_depth(limit: int) -> int:
    """How many are looked up by words where `limit` of them become candidates: candidates of meaning are seldom among
    the very best by words, and without their score they would count as if they held no word of the question."""
    return 2 * limit


def merge_candidates(
    by_meaning: Iterable[SegmentHit],
    by_words: Iterable[SegmentHit],
    limit: int,
    weights: TermWeights,
    vectors: Callable[[Sequence[SegmentHit]], Vectors] | None = None,
) -> IndexResult:
    """The best `limit` of each kind over all segments, joined, in order of cosine; of the best `deep(limit)` by words
    the score is known. Ties are broken by id, so that the answer does not depend on the order of segments. `vectors`
    reads those of the joined, where that is cheap."""
    meaning = heapq.nsmallest(limit, by_meaning, key=lambda found: (-found.cosine, found.chunk_id))
    words = heapq.nsmallest(get_lexical_depth(limit), by_words, key=lambda found: (-found.bm25, found.chunk_id))
    joined = {f.chunk_id: SegmentHit(f.chunk_id, f.cosine, 0.0, f.segment, f.position) for f in meaning}
    for rank, found in enumerate(words):
        if (known := joined.get(found.chunk_id)) is not None:
            known.bm25 = found.bm25
        elif rank < limit:
            joined[found.chunk_id] = found
    ranked = sorted(joined.values(), key=lambda found: (-found.cosine, found.chunk_id))
    candidates = tuple(Candidate(f.chunk_id, f.cosine, f.bm25) for f in ranked)
    return IndexResult(candidates, weights.terms, vectors(ranked) if vectors is not None and ranked else None)
