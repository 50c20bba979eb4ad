"""The contracts of the detectors that read a text piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apps.engines.embed.protocol import SpanEmbeddings, Spans, Tokenised
    from apps.engines.types import Vectors


class IndirectInjectionDetector(Protocol):
    """Instructions to an assistant inside a document, piece by piece. Sync, thread-safe."""

    fingerprint: str  # of the weights
    layers: int  # of the embedder, after which a piece is read inside its passage

    def warm(self) -> None:
        """Reads the weights."""

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        """The pieces of each passage's sentences that are worth a closer look, each once; none of most passages."""

    def scores(self, pieces: Sequence[str], vectors: Vectors, near: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (n,): how probably each speaks to an assistant, by its vector inside its passage (a row each, unit),
        and by that vector's cosine with the passage's."""


@dataclass(frozen=True, slots=True)
class TokenStates:
    """What an embedder makes of a text inside: `spans` are (start, end) of its tokens, special ones (0, 0)."""

    spans: NDArray[np.int64]  # (tokens, 2)
    states: NDArray[np.float32]  # (tokens, width)


@runtime_checkable
class TokenStateEmbedder(Protocol):
    """The embedder whose states a tagger, or the check for planted instructions, was trained on."""

    fingerprint: str
    max_tokens: int
    shows_states: bool  # else what needs them raises EngineRefused

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """As `EmbedEngine.offsets`."""

    def tokens_at(self, text: str, spans: Spans) -> Spans:
        """For each span of characters its tokens, as `tokenised(text)` counts them; (0, 0) where there is none."""

    def embed_inside(
        self, passages: Sequence[Tokenised], spans: Sequence[Spans], layers: int
    ) -> tuple[Vectors, list[SpanEmbeddings | None]]:
        """What `embed_passages` gives, and for each passage that has spans of tokens what these are inside it, after so
        many layers, at almost no cost; None for the others. Raises EngineRefused as `states` does."""

    def states(self, texts: Sequence[str], layers: int) -> list[TokenStates]:
        """Raises EngineRefused where the model does not show them."""


@dataclass(frozen=True, slots=True, order=True)
class TaggedSpan:
    start: int
    end: int
    kind: str  # as Presidio calls it


class SpanTagger(Protocol):
    """Names, places, addresses … in short texts. Sync, thread-safe, a few milliseconds a sentence."""

    fingerprint: str  # of the weights

    def warm(self) -> None:
        """Reads the weights."""

    def spans(
        self, texts: Sequence[str], forms: Sequence[Sequence[TaggedSpan]], reader: object
    ) -> list[list[TaggedSpan]]:
        """For each text what was found, in order. `forms` is what its form has given away already; `reader` is a
        TokenReader. Raises EngineRefused where it is of another model than the tagger's."""
