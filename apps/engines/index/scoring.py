"""Weights of terms and merging of candidates over segments, shared by all indexes."""

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

# One field, in which the title is repeated. Summed scores of several short fields outweigh the text: on CACM that cost
# 0.10 of nDCG@10, on product documentation 0.05 (`docs/develop/decisions/012-*.md`).
FIELD = "words"
_TITLE_TIMES = 2
MAX_TERMS = 40  # the rarest terms characterise a pasted page; more only cost time
K1, B = 1.2, 0.75  # as tantivy computes BM25


def compute_idf(frequency: int, total: int) -> float:
    """Return the inverse document frequency as tantivy computes it: always above zero."""
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))


def join_idf(parts: Sequence[tuple[Mapping[str, float], int]]) -> dict[str, float]:
    """Return the inverse document frequency of each term over several indexes, from (weights, number of chunks) of
    each."""
    total = sum(count for _, count in parts)
    holding: dict[str, float] = {}
    for weights, count in parts:
        for term, weight in weights.items():  # inverts `compute_idf`
            holding[term] = holding.get(term, 0.0) + max(0.0, (count + 1) * math.exp(-weight) - 0.5)
    return {term: math.log((total + 1) / (containing + 0.5)) for term, containing in holding.items()}


def extract_query_terms(text: str) -> list[str]:
    """Return the terms of a question in order of appearance, repetitions included."""
    return extract_content_terms(text)


def compose_indexed_text(entry: IndexEntry) -> str:
    """Return the indexed text of a chunk. A title repeated at the beginning of heading or text is left out there."""
    title = " ".join(entry.title.split())
    rest = [_strip_title(entry.heading, title), _strip_title(entry.text, title)]
    return "\n".join([title] * _TITLE_TIMES + rest)


def _strip_title(text: str, title: str) -> str:
    return text[len(title) :] if title and text[: len(title)].casefold() == title.casefold() else text


@dataclass(frozen=True, slots=True)
class TermWeights:
    """Weights by term over all segments searched: of those that are scored, and the inverse document frequency of
    all."""

    scored: dict[str, float]
    idf: dict[str, float]


def weigh_terms(terms: Iterable[str], frequencies: Mapping[str, int], total: int) -> TermWeights:
    """Return weights from document frequencies summed over the segments; of more than MAX_TERMS terms only the rarest
    are scored.

    A repeated term has a multiple weight in the score, but not in `TermWeights.idf`. `total` is the number of chunks.
    """
    times = Counter(terms)
    idf = {term: compute_idf(frequencies.get(term, 0), total) for term in times}
    rarest = heapq.nlargest(MAX_TERMS, [term for term in times if frequencies.get(term)], key=idf.__getitem__)
    return TermWeights({term: times[term] * idf[term] for term in rarest}, idf)


@dataclass(slots=True)
class SegmentHit:
    """Hit in one segment."""

    chunk_id: int
    cosine: float
    bm25: float
    segment: int = 0  # index among the searched segments
    position: int = -1  # position in the segment


def get_lexical_depth(limit: int) -> int:
    """Return the number of hits by words to retrieve for `limit` candidates. Candidates by vector are seldom among the
    very best by words, and without their score they would count as having no common word."""
    return 2 * limit


def merge_candidates(
    by_meaning: Iterable[SegmentHit],
    by_words: Iterable[SegmentHit],
    limit: int,
    weights: TermWeights,
    vectors: Callable[[Sequence[SegmentHit]], Vectors] | None = None,
) -> IndexResult:
    """Return the best `limit` by vector and by words over all segments, joined, in order of cosine.

    BM25 is known for the best `get_lexical_depth(limit)` by words. Ties are broken by id, so the order of segments has
    no effect. `vectors` reads the candidates' vectors, if that is cheap.
    """
    meaning = heapq.nsmallest(limit, by_meaning, key=lambda hit: (-hit.cosine, hit.chunk_id))
    words = heapq.nsmallest(get_lexical_depth(limit), by_words, key=lambda hit: (-hit.bm25, hit.chunk_id))
    joined = {f.chunk_id: SegmentHit(f.chunk_id, f.cosine, 0.0, f.segment, f.position) for f in meaning}
    for rank, hit in enumerate(words):
        if (known := joined.get(hit.chunk_id)) is not None:
            known.bm25 = hit.bm25
        elif rank < limit:
            joined[hit.chunk_id] = hit
    ranked = sorted(joined.values(), key=lambda hit: (-hit.cosine, hit.chunk_id))
    candidates = tuple(Candidate(f.chunk_id, f.cosine, f.bm25) for f in ranked)
    return IndexResult(candidates, weights.idf, vectors(ranked) if vectors is not None and ranked else None)
