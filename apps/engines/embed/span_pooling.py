"""Late pooling: embeddings of pieces of a text as the mean of their token states, so that the context has an
influence."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from apps.engines.embed.protocol import SpanEmbeddings, Spans

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pool_spans(states: NDArray[np.float32], spans: Spans) -> SpanEmbeddings:
    """Return unit vectors of the token spans and their cosines with the mean of all states. `states` has shape (tokens,
    width); a span without tokens gets the mean of all."""
    mean = states.mean(axis=0)
    means = np.stack([states[start:end].mean(axis=0) if states[start:end].size else mean for start, end in spans])
    vectors = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    return SpanEmbeddings(vectors, vectors @ (mean / max(float(np.linalg.norm(mean)), 1e-9)))


def find_tokens_in_spans(tokens: Spans, spans: Spans) -> Spans:
    """Return for each character span the span of the tokens that begin in it, (0, 0) if there is none. `tokens` are the
    tokens' character spans in order; special tokens are empty."""
    word_tokens = [at for at, (start, end) in enumerate(tokens) if end > start]
    starts = [tokens[at][0] for at in word_tokens]
    found = [(bisect_left(starts, start), bisect_left(starts, end)) for start, end in spans]
    return [(word_tokens[first], word_tokens[last - 1] + 1) if first < last else (0, 0) for first, last in found]
