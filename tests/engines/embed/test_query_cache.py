"""Test that the cache of question vectors drops the least recently asked one first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.engines.embed import sentence_transformer


def test_a_question_that_is_asked_again_is_not_forgotten_for_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []

    def run(self: Any, ids: list[str]) -> Any:
        computed.extend(ids)
        return np.zeros((1, 2), np.float32)

    monkeypatch.setattr(sentence_transformer, "_CACHED_QUESTIONS", 2)
    monkeypatch.setattr(sentence_transformer.SentenceTransformerEmbedder, "_read", lambda self, text, *_: (1, text))
    monkeypatch.setattr(sentence_transformer.SentenceTransformerEmbedder, "_run", run)
    engine = sentence_transformer.SentenceTransformerEmbedder()
    for question in ("a", "b", "a", "c", "a", "b"):
        engine.embed_query(question)
    assert computed == ["a", "b", "c", "b"]
