"""Fake embedder for tests: hashes stemmed words into 64 dimensions, so that texts with common words are near."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.engines.classify.protocol import TokenStates
from apps.engines.embed.protocol import SpanEmbeddings, Spans, Tokenised
from apps.engines.embed.span_pooling import find_tokens_in_spans, pool_spans
from apps.lib.text.analyzer import extract_content_terms

if TYPE_CHECKING:
    from apps.engines.types import Vectors

_TOKEN = re.compile(r"\w+|[^\w\s]")
_DIMENSION = 64


class FakeEmbedder:
    """Embedder without a model. Deterministic over processes and machines. `options` are those of the real engine and
    have no effect."""

    dimension = _DIMENSION
    max_tokens = 256
    exposes_states = True
    fingerprint = "fake-bag-of-words-64"

    def __init__(self, **options: Any) -> None:
        self.options = options

    def warm(self) -> None:
        self.embed_query("warm")

    def embed_query(self, text: str) -> Vectors:
        row: Vectors = self.embed_passages([text])[0]
        return row

    def embed_passages(self, texts: Sequence[str | Tokenised]) -> Vectors:
        rows = np.zeros((len(texts), _DIMENSION), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for term in extract_content_terms(text.ids if isinstance(text, Tokenised) else text):
                row += _direction(term)
            row[0] += not row.any()  # a text without words still gets a direction
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def embed_with_spans(
        self, passages: Sequence[Tokenised], spans: Sequence[Spans], layers: int
    ) -> tuple[Vectors, list[SpanEmbeddings | None]]:
        texts = [str(passage.ids) for passage in passages]
        inside = [
            pool_spans(read.states, own) if own else None
            for read, own in zip(self.states(texts, layers), spans, strict=True)
        ]
        return self.embed_passages(texts), inside

    def token_spans(self, text: str, spans: Spans) -> Spans:
        return find_tokens_in_spans(self.offsets(text), spans)

    def states(self, texts: Sequence[str], layers: int) -> list[TokenStates]:
        """Return for each text the states of its first `max_tokens` tokens, shape (tokens, _DIMENSION). Each depends on
        its token only, not on its context; `layers` is ignored."""
        states_by_text = []
        for text in texts:
            spans = np.array(self.offsets(text)[: self.max_tokens], np.int64).reshape(-1, 2)
            rows = [_direction(text[start:end].casefold()) for start, end in spans.tolist()]
            states_by_text.append(TokenStates(spans, np.array(rows, np.float32).reshape(-1, _DIMENSION)))
        return states_by_text

    def tokenised(self, text: str) -> Tokenised:
        return Tokenised(len(self.offsets(text)), text)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in _TOKEN.finditer(text)]


@lru_cache(maxsize=50_000)
def _direction(term: str) -> Vectors:
    """Return a random unit vector that belongs to the term: those of two terms are nearly orthogonal."""
    seed = int.from_bytes(blake2b(term.encode("utf-8", "replace"), digest_size=8).digest())
    vector = np.random.default_rng(seed).standard_normal(_DIMENSION).astype(np.float32)
    unit: Vectors = vector / np.linalg.norm(vector)
    unit.setflags(write=False)
    return unit
