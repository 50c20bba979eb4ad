"""Embeddings of pieces of a passage inside it, for passages that were embedded without their pieces.

A passage longer than the embedder's window is embedded in windows that overlap by half. Each piece is pooled in the
window whose middle is nearest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from apps.engines.classify.protocol import TokenStateEmbedder
from apps.engines.embed.protocol import SpanEmbeddings, Spans
from apps.engines.embed.span_pooling import find_tokens_in_spans, pool_spans
from apps.engines.types import EmbedEngine, EngineRefused
from apps.lib.text import sentences

_BATCH = 32  # windows whose states are held at once: 12 MB


class _Part(NamedTuple):
    text: str
    pieces: list[int]  # indices of the passage's pieces
    spans: Spans  # character spans of the pieces within the window


def require_token_states(engine: EmbedEngine) -> TokenStateEmbedder:
    """Return the embedder as one that exposes token states. Raise EngineRefused if it does not."""
    if isinstance(engine, TokenStateEmbedder) and engine.exposes_states:
        return engine
    raise EngineRefused("This embedding model does not show the states of its tokens.")


def embed_spans_in_context(
    reader: TokenStateEmbedder, texts: Sequence[str], rows: Sequence[Sequence[str]], layers: int
) -> list[SpanEmbeddings]:
    """Return for each text the embeddings of the pieces in its row, in order, at least one per row. The first
    occurrence of a piece is used. Raise EngineRefused if the model does not expose its states."""
    once = [_drop_repeated_sentences(text, row) for text, row in zip(texts, rows, strict=True)]
    parts = [(at, part) for at, text in enumerate(once) for part in _split_windows(reader, text, rows[at])]
    vectors: list[dict[int, np.ndarray]] = [{} for _ in texts]
    cosines_by_piece: list[dict[int, float]] = [{} for _ in texts]
    for start in range(0, len(parts), _BATCH):
        batch = parts[start : start + _BATCH]
        for (at, part), tokens in zip(batch, reader.states([part.text for _, part in batch], layers), strict=True):
            pooled = pool_spans(tokens.states, find_tokens_in_spans(tokens.spans.tolist(), part.spans))
            vectors[at] |= zip(part.pieces, pooled.vectors, strict=True)
            cosines_by_piece[at] |= zip(part.pieces, pooled.passage_cosines.tolist(), strict=True)
    return [
        SpanEmbeddings(
            np.stack([by_piece[at] for at in sorted(by_piece)]),
            np.array([cosines[at] for at in sorted(by_piece)], np.float32),
        )
        for by_piece, cosines in zip(vectors, cosines_by_piece, strict=True)
    ]


def _drop_repeated_sentences(text: str, row: Sequence[str]) -> str:
    """Return the text with each sentence once if a piece occurs repeatedly, unless a piece would be lost. Repeated
    sentences would dominate the mean of the passage."""
    if not is_repeated(text, row):
        return text
    unique = dict.fromkeys(text[start:end].strip() for start, end in sentences.find_sentences(text))
    shortened = " ".join(unique)
    return shortened if all(piece in shortened for piece in row) else text


def is_repeated(text: str, row: Sequence[str]) -> bool:
    """Return whether any piece of the row occurs in the text more than once, word for word."""
    return any(text.find(piece, text.find(piece) + 1) >= 0 for piece in row)


def _split_windows(reader: TokenStateEmbedder, text: str, pieces: Sequence[str]) -> list[_Part]:
    tokens, starts = reader.offsets(text), [text.find(piece) for piece in pieces]
    spans = [(start, start + len(piece)) for start, piece in zip(starts, pieces, strict=True)]
    if len(tokens) <= reader.max_tokens:
        return [_Part(text, list(range(len(pieces))), spans)]
    half = reader.max_tokens // 2
    windows: dict[int, list[int]] = {}
    for at, (start, end) in enumerate(spans):
        middle = (bisect_left(tokens, (start, 0)) + bisect_left(tokens, (end, 0))) // 2
        windows.setdefault(max(0, round(middle / half) - 1) * half, []).append(at)
    return [_cut_window(text, tokens[first : first + 2 * half], indices, spans) for first, indices in windows.items()]


def _cut_window(text: str, tokens: Spans, indices: list[int], spans: Spans) -> _Part:
    start, end = tokens[0][0], tokens[-1][1]
    return _Part(text[start:end], indices, [(spans[at][0] - start, spans[at][1] - start) for at in indices])
