"""Contracts of the detectors that read a text piece by piece: indirect injections and personal data."""

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
    """Detector of instructions to an assistant inside a document, piece by piece. Sync, thread-safe."""

    fingerprint: str  # of the weights
    layers: int  # number of the embedder's layers after which a piece is pooled inside its passage

    def warm(self) -> None:
        """Load the weights. Raise EngineBroken if they cannot be read."""

    def find_suspects(self, texts: Sequence[str]) -> list[list[str]]:
        """Return for each passage the pieces of its sentences that need scoring, each once. Most passages have none."""

    def scores(
        self, pieces: Sequence[str], vectors: Vectors, passage_cosines: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return for each piece the probability that it addresses an assistant, shape (n,). `vectors` (n, width) are
        unit vectors of the pieces inside their passages; `passage_cosines` (n,) the cosine of each with its passage.
        Raise EngineRefused for vectors of another shape."""


@dataclass(frozen=True, slots=True)
class TokenStates:
    """Hidden states of a text's tokens. `spans` are the character spans of the tokens, (0, 0) for special ones."""

    spans: NDArray[np.int64]  # (tokens, 2)
    states: NDArray[np.float32]  # (tokens, width)


@runtime_checkable
class TokenStateEmbedder(Protocol):
    """Embedder that exposes token states; the tagger of personal data and the injection detector need the one that they
    were trained on."""

    fingerprint: str
    max_tokens: int
    exposes_states: bool  # False: methods that need the states raise EngineRefused

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Return the character span of every token, as `EmbedEngine.offsets` does."""

    def token_spans(self, text: str, spans: Spans) -> Spans:
        """Return for each character span the span of its tokens, counted as in `tokenised(text)`; (0, 0) if it has
        none."""

    def embed_with_spans(
        self, passages: Sequence[Tokenised], spans: Sequence[Spans], layers: int
    ) -> tuple[Vectors, list[SpanEmbeddings | None]]:
        """Return the vectors of `embed_passages`, and the embeddings of each passage's token spans after `layers`
        layers, None for a passage without spans. The spans add almost no cost. Raise EngineRefused if the model does
        not expose its states."""

    def states(self, texts: Sequence[str], layers: int) -> list[TokenStates]:
        """Return the token states of each text after `layers` layers, truncated to the window. Raise EngineRefused if
        the model does not expose them."""


@dataclass(frozen=True, slots=True, order=True)
class TaggedSpan:
    """Piece of a text that is personal data, as character offsets; `end` is exclusive."""

    start: int
    end: int
    kind: str  # name of the kind in Presidio


class SpanTagger(Protocol):
    """Tagger of names, places, addresses … in short texts. Sync, thread-safe, a few milliseconds per sentence."""

    fingerprint: str  # of the weights

    def warm(self) -> None:
        """Load the weights. Raise EngineBroken if they cannot be read."""

    def spans(
        self, texts: Sequence[str], forms: Sequence[Sequence[TaggedSpan]], reader: object
    ) -> list[list[TaggedSpan]]:
        """Return the spans found in each text, in order. `forms` are the spans that pattern detectors found already;
        `reader` is a TokenStateEmbedder. Raise EngineRefused if the reader's model is not the one of the tagger."""
