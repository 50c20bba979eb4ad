"""The plain ways to search that ours is measured beside: whole texts, BM25 as Lucene computes it with English stems,
one vector a text, and their ranks fused. Exact, in memory, and nothing of the product's own search is in them."""

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
    from benchmarks.lib.datasets import Text

K1, B = 1.5, 0.75
RANK_CONSTANT = 60  # of reciprocal rank fusion
DEPTH = 100


def whole(text: Text) -> str:
    """What is indexed of a text: all of it, its title first."""
    return f"{text.title} {text.text}".strip()


class Words:
    """BM25 over whole texts."""

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
        """Places of the texts that hold a word of the question, best first."""
        scores = np.zeros(self._size)
        for term, times in Counter(extract_content_terms(question)).items():
            if term in self._postings:
                places, weights = self._postings[term]
                idf = np.log(1 + (self._size - len(places) + 0.5) / (len(places) + 0.5))
                scores[places] += times * idf * weights
        return [place for place in _best(scores) if scores[place] > 0]


def by_meaning(vectors: Vectors, query: Vectors) -> list[int]:
    return _best(vectors @ query)


def fused_by_rank(*rankings: Sequence[int]) -> list[int]:
    """Reciprocal rank fusion."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, place in enumerate(ranking, 1):
            scores[place] += 1 / (RANK_CONSTANT + rank)
    return sorted(scores, key=lambda place: (-scores[place], place))


def rankings(words: Words, vectors: Vectors, question: str, query: Vectors) -> Mapping[str, list[int]]:
    by_words, meant = words.ranking(question), by_meaning(vectors, query)
    return {"bm25": by_words, "vectors": meant, "fusion": fused_by_rank(by_words, meant)}


def _best(scores: NDArray[Any]) -> list[int]:
    order: list[int] = np.argsort(-scores, kind="stable")[:DEPTH].tolist()
    return order
