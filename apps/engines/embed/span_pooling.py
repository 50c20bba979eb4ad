"""Pieces of a text as they are read inside it: the mean of their tokens' states ("late pooling"), so that what stands
around them has its part."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from apps.engines.embed.protocol import SpanEmbeddings, Spans

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pool_spans(states: NDArray[np.float32], spans: Spans) -> SpanEmbeddings:
    """Of each span of tokens; one that has no token among `states`, (tokens, width), is read as all of them."""
    whole = states.mean(axis=0)
    means = np.stack([states[start:end].mean(axis=0) if states[start:end].size else whole for start, end in spans])
    vectors = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    return SpanEmbeddings(vectors, vectors @ (whole / max(float(np.linalg.norm(whole)), 1e-9)))


def find_tokens_in_spans(tokens: Spans, spans: Spans) -> Spans:
    """For each span of characters the tokens that begin in it, (0, 0) where there is none. `tokens` says where in the
    text each begins and ends, in order; special ones are of no characters."""
    own = [at for at, (start, end) in enumerate(tokens) if end > start]
    starts = [tokens[at][0] for at in own]
    found = [(bisect_left(starts, start), bisect_left(starts, end)) for start, end in spans]
    return [(own[first], own[last - 1] + 1) if first < last else (0, 0) for first, last in found]
