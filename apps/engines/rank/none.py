"""Reranker that does nothing: the order of score fusion stays."""

from __future__ import annotations

from collections.abc import Sequence


class NoRank:
    """Inactive reranker; its scores are all 0."""

    active = False

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        return [0.0] * len(texts)
