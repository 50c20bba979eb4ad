"""The contracts of the detectors that read a text piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apps.engines.base import Vectors


class PlantedDetector(Protocol):
    """Instructions to an assistant inside a document, sentence by sentence. Sync, thread-safe."""

    fingerprint: str  # of the weights

    def warm(self) -> None:
        """Reads the weights."""

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        """The sentences of each passage that are worth a vector; none of most passages."""

    def scores(self, sentences: Sequence[str], vectors: Vectors, passages: Vectors) -> NDArray[np.float32]:
        """Shape (n,): how probably each speaks to an assistant, by its vector and that of the passage it stands in."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an embedder makes of a text inside: `spans` are (start, end) of its tokens, special ones (0, 0)."""

    spans: NDArray[np.int64]  # (tokens, 2)
    states: NDArray[np.float32]  # (tokens, width)


class TokenReader(Protocol):
    """The embedder whose states a tagger was trained on."""

    fingerprint: str

    def states(self, texts: Sequence[str], layers: int) -> list[Tokens]:
        """Raises EngineRefused where the model does not show them."""


@dataclass(frozen=True, slots=True, order=True)
class Tagged:
    start: int
    end: int
    kind: str  # as Presidio calls it


class SpanTagger(Protocol):
    """Names, places, addresses … in short texts. Sync, thread-safe, a few milliseconds a sentence."""

    fingerprint: str  # of the weights

    def warm(self) -> None:
        """Reads the weights."""

    def spans(self, texts: Sequence[str], forms: Sequence[Sequence[Tagged]], reader: object) -> list[list[Tagged]]:
        """For each text what was found, in order. `forms` is what its form has given away already; `reader` is a
        TokenReader. Raises EngineRefused where it is of another model than the tagger's."""
