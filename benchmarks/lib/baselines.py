"""Baselines for the product's search: BM25 as in Lucene with English stems, one vector per text, and rank fusion of
both.

Over whole texts, exact and in memory. Only the text analyser is shared with the product.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from apps.lib.text.analyzer import extract_content_terms, extract_terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apps.engines.types import Vectors
    from benchmarks.lib.datasets import DatasetText

K1, B = 1.5, 0.75
RANK_CONSTANT = 60  # of reciprocal rank fusion
DEPTH = 100


def get_indexed_text(text: DatasetText) -> str:
    """Return the indexed text: title and text."""
    return f"{text.title} {text.text}".strip()


class BM25Index:
    """BM25 index of whole texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        counted = [Counter(extract_terms(text)) for text in texts]
        lengths = np.array([count.total() for count in counted], np.float64)
        norms = K1 * (1 - B + B * lengths / max(1.0, float(lengths.mean())))
        found: dict[str, dict[int, float]] = defaultdict(dict)
        for place, count in enumerate(counted):
            for term, times in count.items():
                found[term][place] = times / (times + norms[place])
        self._size = len(texts)
        self._postings = {t: (np.array(list(rows)), np.array(list(rows.values()))) for t, rows in found.items()}

    def ranking(self, question: str) -> list[int]:
        """Return the positions of the texts that hold a term of the question, best first, at most DEPTH."""
        scores = np.zeros(self._size)
        for term, times in Counter(extract_content_terms(question)).items():
            if term in self._postings:
                places, weights = self._postings[term]
                idf = np.log(1 + (self._size - len(places) + 0.5) / (len(places) + 0.5))
                scores[places] += times * idf * weights
        return [place for place in _best(scores) if scores[place] > 0]


def rank_by_cosine(vectors: Vectors, query: Vectors) -> list[int]:
    """Return the positions of the nearest vectors, best first, at most DEPTH."""
    return _best(vectors @ query)


def fuse_rankings(*rankings: Sequence[int]) -> list[int]:
    """Return the positions in the order of reciprocal rank fusion."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, place in enumerate(ranking, 1):
            scores[place] += 1 / (RANK_CONSTANT + rank)
    return sorted(scores, key=lambda place: (-scores[place], place))


def compute_rankings(words: BM25Index, vectors: Vectors, question: str, query: Vectors) -> Mapping[str, list[int]]:
    """Return the rankings "bm25", "vectors" and "fusion" for a question."""
    by_words, by_cosine = words.ranking(question), rank_by_cosine(vectors, query)
    return {"bm25": by_words, "vectors": by_cosine, "fusion": fuse_rankings(by_words, by_cosine)}


def _best(scores: NDArray[Any]) -> list[int]:
    order: list[int] = np.argsort(-scores, kind="stable")[:DEPTH].tolist()
    return order
