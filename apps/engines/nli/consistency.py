"""Packaged NLI model: whether a source supports a claim, by the packaged encoder fine-tuned in `training/consistency`.

The packaged sentence encoder reads claim and source as one sequence. Low-rank updates of its weights and a small head
are committed here; the encoder itself comes with its package. Scores hold for English, German and Spanish prose.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from apps.engines.pair_encoder import PairEncoder, raise_if_not_finite
from apps.engines.weight_files import read_weights

WEIGHTS = Path(__file__).parent / "weights"
NAME = "consistency"
# SHA-256 of the committed weights; other files are not loaded. `./run train consistency` prints the new one.
SHA256 = "4ef7074b4333ebd0804434af01328ac2201fd6f2f4abb69abff0de6d1e6ac598"
MAX_TOKENS = 160  # of claim and source together; the longer of the two is truncated


class ConsistencyModel:
    """Packaged NLI model. Sync and thread-safe; one pass at a time, on one core."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._encoder: PairEncoder | None = None

    def warm(self) -> None:
        """Load the weights. Raise EngineBroken if they are missing or damaged."""
        self.entailment_scores([("A door is open.", "The door is open.")])

    def entailment_scores(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return for each (source, claim) the probability, 0 to 1, that the source supports all of the claim.

        Raise EngineBroken if the weights are missing or damaged, or a score is not finite.
        """
        if not pairs:
            return []
        with self._lock:
            if self._encoder is None:
                weights = read_weights(WEIGHTS, NAME, SHA256, "the check of sentences")
                self._encoder = PairEncoder(weights, MAX_TOKENS, "longest_first")
            scores = self._score(self._encoder, [(claim, source) for source, claim in pairs])
        raise_if_not_finite(scores, "The check of sentences")
        return scores

    @staticmethod
    def _score(encoder: PairEncoder, pairs: Sequence[tuple[str, str]]) -> list[float]:
        import torch

        with torch.inference_mode():
            scores: list[float] = torch.sigmoid(encoder.score_pairs(encoder.encode(pairs))).tolist()
        return scores
