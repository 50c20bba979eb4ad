"""Reranker by a cross-encoder of transformers: reads question and passage together, slower and more accurate than
vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.engines.pair_model import PairModel
from apps.engines.types import EngineBroken


class CrossEncoder:
    """Cross-encoder by hub name or folder, with one or two labels. `threads` 0 uses all cores."""

    active = True

    def __init__(self, model: str, threads: int = 0) -> None:
        self._pairs = PairModel(model, threads)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        rows = self._pairs.logits([(question, text) for text in texts])
        if rows.shape[1] == 1:
            return [float(score) for score in 1 / (1 + np.exp(-rows[:, 0]))]
        if rows.shape[1] == 2:  # "irrelevant" and "relevant", in this order
            return [float(score) for score in 1 / (1 + np.exp(rows[:, 0] - rows[:, 1]))]
        raise EngineBroken(f"RANK_MODEL tells {rows.shape[1]} things apart; a re-ranker tells one or two.")
