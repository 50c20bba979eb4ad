"""NLI model of transformers by hub name or folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.engines.pair_model import PairModel
from apps.engines.types import EngineBroken

_ENTAILS = "entail"  # beginning of the label's name, at any place in the model's order of labels


class TransformersNli:
    """NLI model of transformers. `threads` 0 uses all cores."""

    def __init__(self, model: str, threads: int = 0) -> None:
        self._pairs = PairModel(model, threads)

    def warm(self) -> None:
        """Load the model. Raise EngineBroken if that fails."""
        self.entailment_scores([("A door is open.", "The door is open.")])

    def entailment_scores(self, pairs: Sequence[tuple[str, str]], language: str = "en") -> list[float]:
        """Return for each (premise, claim) the probability, 0 to 1, that the claim follows. Raise EngineBroken if the
        model cannot be loaded or has no label for entailment."""
        if not pairs:
            return []
        labels = self._pairs.labels
        column = next((at for at, label in enumerate(labels) if label.startswith(_ENTAILS)), None)
        if column is None:
            raise EngineBroken(f"SUPPORT_MODEL knows {', '.join(labels)}; a model of inference knows entailment.")
        rows = self._pairs.logits(pairs)
        odds = np.exp(rows - rows.max(axis=1, keepdims=True))
        return [float(share) for share in odds[:, column] / odds.sum(axis=1)]
