"""A model of natural-language inference by name or folder: whether one text follows from another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.engines.pair_model import PairModel
from apps.engines.types import EngineBroken

_ENTAILS = "entail"  # how its label begins, whatever the model's order of labels


class TransformersNli:
    def __init__(self, model: str, threads: int = 0) -> None:
        self._pairs = PairModel(model, threads)

    def warm(self) -> None:
        """Load the model now. Raises EngineBroken where that fails."""
        self.entailed([("A door is open.", "The door is open.")])

    def entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each (premise, claim) the probability that the claim follows. Raises EngineBroken where the model has no
        label for that."""
        if not pairs:
            return []
        labels = self._pairs.labels
        place = next((at for at, label in enumerate(labels) if label.startswith(_ENTAILS)), None)
        if place is None:
            raise EngineBroken(f"SUPPORT_MODEL knows {', '.join(labels)}; a model of inference knows entailment.")
        rows = self._pairs.logits(pairs)
        odds = np.exp(rows - rows.max(axis=1, keepdims=True))
        return [float(share) for share in odds[:, place] / odds.sum(axis=1)]
