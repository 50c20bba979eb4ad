"""Passages of the two-model embedder are screened by the packaged model's part of their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from apps.documents.indexing import embedders
from apps.engines import registry
from apps.engines.embed.fake import FakeEmbedder
from apps.engines.embed.paired import PairedEmbedder
from apps.engines.types import EmbedEngine

TEXTS = ["The ferry leaves at nine.", "Green tea is steeped at seventy degrees."]


@pytest.fixture
def paired(monkeypatch: pytest.MonkeyPatch) -> PairedEmbedder:
    own = FakeEmbedder()
    engine = PairedEmbedder("/nowhere")
    engine._second = FakeEmbedder()  # type: ignore[assignment]
    engine.use_embedder(lambda: own)
    monkeypatch.setattr(registry, "get_embedder", lambda name="": own)
    return engine


def test_passages_are_not_embedded_again_for_the_check(paired: PairedEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []

    def check(texts: Sequence[str], vectors: np.ndarray, suspects: object) -> list[object]:
        seen.append(vectors)
        return []

    monkeypatch.setattr(embedders, "check_passages", check)
    vectors = paired.embed_passages(TEXTS)
    expected = paired.first.embed_passages(TEXTS)

    def fail(texts: Sequence[str]) -> None:
        raise AssertionError("embedded again")

    monkeypatch.setattr(paired.first, "embed_passages", fail)
    embedders.screen_passages(cast("EmbedEngine", paired), TEXTS, vectors)
    assert np.allclose(seen[0], expected, atol=1e-5)
