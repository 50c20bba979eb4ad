"""No re-ranker: the order that fusion found stays."""

from __future__ import annotations

from collections.abc import Sequence


class NoRank:
    active = False

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        return [0.0] * len(texts)
