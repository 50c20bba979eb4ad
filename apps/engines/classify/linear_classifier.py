"""Packaged text classifiers: one linear head per category, over a sentence vector and hashed n-grams.

Trained by `./run train text_classifier`, a few hundred kilobytes, plain numpy at run time. The model card beside the
weights names the training data, the quality and the known failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apps.engines import weight_files
from apps.engines.classify.hashed_ngrams import BUCKETS, hash_ngrams
from apps.engines.classify.identity_terms import neutralise_identity_terms
from apps.engines.types import EngineBroken, EngineRefused, LabelThresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apps.engines.types import Vectors

FOLDER = Path(__file__).parent / "weights"
# SHA-256 of the committed weights; other files are not loaded. `./run train text_classifier` prints it.
SHA256 = "719538e40dd708a87363d8f399c02d9a4943cb54950036b9785b7d7cf2efe00b"
_DESCRIPTION = "the text classifiers"

ANY = "harm"
KINDS = ("hate", "harassment", "sexual", "child_exploitation", "violence", "self_harm")


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """Weights of the linear heads, one row per label, and the calibration line of each head."""

    labels: tuple[str, ...]
    meaning: NDArray[np.float32]  # (labels, dimension of the vectors)
    words: NDArray[np.float32]  # (labels, BUCKETS)
    bias: NDArray[np.float32]  # (labels,)
    slope: NDArray[np.float32]  # (labels,), of the calibration
    shift: NDArray[np.float32]

    def sums(self, texts: Sequence[str], vectors: Vectors) -> NDArray[np.float32]:
        """Return the scores before calibration, shape (n, labels)."""
        ngrams = hash_ngrams(texts)
        sums = vectors @ self.meaning.T + self.bias
        for row in range(len(texts)):
            buckets = ngrams.buckets[ngrams.starts[row] : ngrams.starts[row + 1]]
            sums[row] += ngrams.weights[row] * self.words[:, buckets].sum(axis=1)
        return np.asarray(sums, np.float32)

    def probabilities(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return calibrated probabilities, shape (n, labels). "harm" is the mean, before the sigmoid, of its own head
        and of the surest kind of harm. The head of "harm" was trained also on texts without a named kind; the other
        heads know their kind better."""
        lines = np.clip(sums * self.slope + self.shift, -30, 30)
        if ANY in self.labels:
            kinds = [at for at, label in enumerate(self.labels) if label in KINDS]
            own = self.labels.index(ANY)
            lines[:, own] = (lines[:, own] + lines[:, kinds].max(axis=1)) / 2
        return np.asarray(1 / (1 + np.exp(-lines)), np.float32)


class LinearClassifier(weight_files.LazyWeights[LinearHeads]):
    """Text classifier with the packaged weights or those of `folder`."""

    packaged = FOLDER, SHA256

    def __init__(self, folder: str = "", sha256: str | None = None) -> None:
        super().__init__(folder, sha256)
        self._card: dict[str, object] = {}

    @property
    def labels(self) -> tuple[str, ...]:
        return self._load().labels

    @property
    def embedder(self) -> str:
        self._load()
        return str(self._card["embedder"])

    @property
    def thresholds(self) -> Mapping[str, LabelThresholds]:
        self._load()
        cuts = self._card["cuts"]
        if not isinstance(cuts, dict):
            raise EngineBroken("The card of the text classifiers names no cuts.")
        return {label: LabelThresholds(**values) for label, values in cuts.items()}

    def text_to_embed(self, text: str) -> str:
        return neutralise_identity_terms(text)

    def scores(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        heads = self._load()
        if vectors.shape != (len(texts), heads.meaning.shape[1]):
            raise EngineRefused("The text classifiers were given vectors of another embedding model.")
        scores = heads.probabilities(heads.sums([neutralise_identity_terms(text) for text in texts], vectors))
        if not np.isfinite(scores).all():
            raise EngineBroken("The text classifiers returned an invalid number.")
        return scores

    def _read(self) -> LinearHeads:
        arrays, self._card, digest = weight_files.read_weights(
            self._folder, "linear_classifier", self._pinned, _DESCRIPTION
        )
        self._fingerprint = f"text-{digest}"  # stored verdicts name their classifier by it
        try:
            heads = LinearHeads(tuple(str(label) for label in _list(self._card["labels"])), **arrays)
        except (KeyError, TypeError) as error:
            raise EngineBroken(f"The weights of {_DESCRIPTION} are missing or damaged.") from error
        if heads.words.shape != (len(heads.labels), BUCKETS) or heads.meaning.shape[0] != len(heads.labels):
            raise EngineBroken(f"The weights of {_DESCRIPTION} are of another version.")
        return heads


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value
