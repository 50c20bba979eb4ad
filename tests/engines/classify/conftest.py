"""Fixtures of the classifier tests."""

from __future__ import annotations

import pytest

from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder


@pytest.fixture(scope="session")
def embedder() -> SentenceTransformerEmbedder:
    """Return the packaged embedder."""
    return SentenceTransformerEmbedder()
