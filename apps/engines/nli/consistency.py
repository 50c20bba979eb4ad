"""Packaged NLI model: whether a source supports a claim, by the packaged encoder fine-tuned in `training/consistency`.

The packaged sentence encoder reads claim and source as one sequence. Low-rank updates of its weights and a small head
are committed here; the encoder itself comes with its package. Scores hold for English, German and Spanish prose.

There are two sets of weights. The English one went on with sentences that people judged (`train_judged.py`). Of German
and Spanish there are few of these, and with the same weights contraries scored like what the source says.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from apps.engines.pair_encoder import PairEncoder, raise_if_not_finite
from apps.engines.weight_files import read_weights

WEIGHTS = Path(__file__).parent / "weights"
# Names and SHA-256 of the committed weights; other files are not loaded. `./run train consistency` and
# `./run train judged_claims` print the new ones.
OTHERS = "consistency", "4ef7074b4333ebd0804434af01328ac2201fd6f2f4abb69abff0de6d1e6ac598"
ENGLISH = "consistency_en", "908ca4c9a6177636e2905100b066b6a09d5d9641ab97899edc2ae1acca96b0bc"
MAX_TOKENS = 160  # of claim and source together; the longer of the two is truncated


class ConsistencyModel:
    """Packaged NLI model. Sync and thread-safe; one pass at a time, on one core."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._encoders: dict[tuple[str, str], PairEncoder] = {}  # by name and SHA-256 of the weights

    def warm(self) -> None:
        """Load the English weights. Raise EngineBroken if they are missing or damaged."""
        self.entailment_scores([("A door is open.", "The door is open.")])

    def entailment_scores(self, pairs: Sequence[tuple[str, str]], language: str = "en") -> list[float]:
        """Return for each (source, claim) the probability, 0 to 1, that the source supports all of the claim.

        `language` is that of all (ISO 639-1). Raise EngineBroken if the weights are missing or damaged, or a score is
        not finite.
        """
        if not pairs:
            return []
        file = ENGLISH if language == "en" else OTHERS
        with self._lock:
            if file not in self._encoders:
                weights = read_weights(WEIGHTS, *file, "the check of sentences")
                self._encoders[file] = PairEncoder(weights, MAX_TOKENS, "longest_first")
            scores = self._score(self._encoders[file], [(claim, source) for source, claim in pairs])
        raise_if_not_finite(scores, "The check of sentences")
        return scores

    @staticmethod
    def _score(encoder: PairEncoder, pairs: Sequence[tuple[str, str]]) -> list[float]:
        import torch

        with torch.inference_mode():
            scores: list[float] = torch.sigmoid(encoder.score_pairs(encoder.encode(pairs))).tolist()
        return scores
