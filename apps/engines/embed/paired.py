"""Embedder of two models: the packaged one, which is best at English, and a multilingual one, which joins languages.

A passage has the vectors of both, one after the other. A question weighs them by its language: in English both count
alike, in other languages only the multilingual one. So one index answers a German question over English texts.
`docs/develop/decisions/025-a-passage-may-have-two-vectors.md` has the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from apps.engines.classify.protocol import TokenStateEmbedder
from apps.engines.embed.calibration import LinearScale
from apps.engines.embed.protocol import Tokenised
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from apps.engines.types import EngineRefused
from apps.lib.text.language_detection import guess_language

if TYPE_CHECKING:
    from apps.engines.classify.protocol import TokenStates
    from apps.engines.embed.protocol import SpanEmbeddings, Spans
    from apps.engines.types import EmbedEngine, Vectors

# Cosines of multilingual-e5-small on the scale of all-MiniLM-L6-v2. Means of ClapNQ and of half of XQuAD in English, of
# unrelated texts, of the best wrong one and of the right one: .74, .82 and .87, beside .02, .39 and .62.
_SCALE = LinearScale(-3.6, 4.85)
_PART = 0.5**0.5  # length of either model's part in the vector of a passage


class PairedEmbedder:
    """Embedder whose vectors hold those of two models. Thread-safe. It counts tokens as the packaged model does.

    `model` is the folder of the multilingual model and `sha256` that of its weights; `threads` and `dtype` are as in
    SentenceTransformerEmbedder. `use_embedder` must be called before the first use.
    """

    def __init__(self, model: str, sha256: str = "", threads: int = 0, dtype: str = "auto") -> None:
        self._second = SentenceTransformerEmbedder(model, threads, dtype, sha256)
        self._get_first: Callable[[], EmbedEngine] | None = None

    def use_embedder(self, get_first: Callable[[], EmbedEngine]) -> None:
        """Share the packaged embedder, which `get_first` returns."""
        self._get_first = get_first

    @property
    def first(self) -> EmbedEngine:
        """The packaged embedder. Raise EngineRefused if there is none yet."""
        if self._get_first is None:
            raise EngineRefused("The multilingual embedding model lacks the packaged one beside it.")
        return self._get_first()

    @property
    def dimension(self) -> int:
        return self.first.dimension + self._second.dimension

    @property
    def max_tokens(self) -> int:
        return min(self.first.max_tokens, self._second.max_tokens)

    @property
    def fingerprint(self) -> str:
        return f"{self._second.fingerprint}+{self.first.fingerprint}"

    @property
    def exposes_states(self) -> bool:
        """True where the packaged model shows its token states."""
        return isinstance(self.first, TokenStateEmbedder) and self.first.exposes_states

    def warm(self) -> None:
        self.first.warm()
        self._second.warm()

    def embed_query(self, text: str) -> Vectors:
        weights = np.array(_weigh_models(text)) / np.linalg.norm(_weigh_models(text))
        first = self.first.embed_query(text) if weights[0] else np.zeros(self.first.dimension)
        joined: Vectors = np.concatenate([weights[0] * first, weights[1] * self._second.embed_query(text)])
        return joined.astype(np.float32)

    def embed_passages(self, texts: Sequence[str | Tokenised]) -> Vectors:
        firsts, seconds = self._split(texts)
        return _join_rows(self.first.embed_passages(firsts), self._second.embed_passages(seconds))

    def embed_with_spans(
        self, passages: Sequence[Tokenised], spans: Sequence[Spans], layers: int
    ) -> tuple[Vectors, list[SpanEmbeddings | None]]:
        firsts, seconds = self._split(passages)
        rows, inside = self._states_reader.embed_with_spans(cast("Sequence[Tokenised]", firsts), spans, layers)
        return _join_rows(rows, self._second.embed_passages(seconds)), inside

    def token_spans(self, text: str, spans: Spans) -> Spans:
        return self._states_reader.token_spans(text, spans)

    def states(self, texts: Sequence[str], layers: int) -> list[TokenStates]:
        return self._states_reader.states(texts, layers)

    def tokenised(self, text: str) -> Tokenised:
        first = self.first.tokenised(text)
        return Tokenised(first.count, (first, self._second.tokenised(text)))

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return self.first.offsets(text)

    def get_first_vectors(self, vectors: Vectors) -> Vectors:
        """Return the packaged model's vectors, unit rows, from those of `embed_passages`."""
        return vectors[:, : self.first.dimension] / np.float32(_PART)

    def get_scale(self, question: str) -> LinearScale:
        """Return the map from cosines with this question's vector to cosines of the packaged model."""
        first, second = _weigh_models(question)
        length = float(np.hypot(first, second))
        share = 1.0 if not first else 0.5
        return LinearScale(share * _SCALE.offset, share * length / _PART * (_SCALE.slope / second))

    @property
    def _states_reader(self) -> TokenStateEmbedder:
        if isinstance(self.first, TokenStateEmbedder):
            return self.first
        raise EngineRefused("This embedding model does not show the states of its tokens.")

    def _split(self, texts: Sequence[str | Tokenised]) -> tuple[list[str | Tokenised], list[str | Tokenised]]:
        """Return the texts as either model takes them."""
        pairs: list[tuple[Any, Any]] = [text.ids if isinstance(text, Tokenised) else (text, text) for text in texts]
        return [first for first, _ in pairs], [second for _, second in pairs]


def _weigh_models(question: str) -> tuple[float, float]:
    """Return the weights of the packaged and of the multilingual model. In English, and where the language cannot be
    told, cosines of both add alike once they are on one scale."""
    return (1.0, _SCALE.slope) if guess_language(question) in ("", "en") else (0.0, _SCALE.slope)


def _join_rows(firsts: Vectors, seconds: Vectors) -> Vectors:
    return np.concatenate([firsts, seconds], axis=1) * np.float32(_PART)
