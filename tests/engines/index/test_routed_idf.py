"""Test that document frequencies are joined over all searched indexes while the site moves to another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.engines.index.routing import RoutedIndex
from apps.engines.index.scoring import compute_idf
from apps.engines.types import IndexQuery, IndexResult, SegmentInfo


class OneWord:
    """Index of which `holding` of all chunks have the word."""

    def __init__(self, holding: int) -> None:
        self.holding = holding

    def search(self, segments: list[SegmentInfo], query: IndexQuery) -> IndexResult:
        return IndexResult((), {"word": compute_idf(self.holding, sum(segment.count for segment in segments))})


def segment(backend: str, count: int) -> SegmentInfo:
    return SegmentInfo(
        id=backend, collection="c", count=count, dimension=1, fingerprint="f", kind="flat", checksum="", size_bytes=1,
        backend=backend,
    )  # fmt: skip


def test_a_word_is_as_rare_as_in_both_indexes_together() -> None:
    indexes: dict[str, Any] = {"old": OneWord(90), "new": OneWord(1)}
    routed = RoutedIndex("new", indexes["new"], lambda name: indexes[name])
    found = routed.search([segment("old", 100), segment("new", 50)], IndexQuery("word", np.zeros(1, np.float32)))
    assert found.idf["word"] == pytest.approx(compute_idf(91, 150), rel=0.01)
