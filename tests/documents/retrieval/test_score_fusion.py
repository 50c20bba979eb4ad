"""One score from meaning and words: each ranker by its own spread, and what the best have in common moves the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.documents.retrieval.score_fusion import EmbedderCandidates, fuse_embedders
from apps.engines.types import Candidate


def _order(found: list[tuple[float, Candidate]]) -> list[int]:
    return [candidate.chunk_id for _, candidate in found]


def _fuse(*candidates: Candidate, **vectors: Any) -> list[tuple[float, Candidate]]:
    return fuse_embedders([EmbedderCandidates(candidates, **vectors)])


def test_fusion_of_no_candidates_is_empty() -> None:
    assert fuse_embedders([]) == _fuse() == []


def test_a_ranker_that_sees_no_difference_has_no_say() -> None:
    assert _order(_fuse(Candidate(1, 0.2, 5.0), Candidate(2, 0.2, 9.0), Candidate(3, 0.2, 1.0))) == [2, 1, 3]


def test_the_scale_of_a_score_does_not_matter() -> None:
    found, scaled = (
        _fuse(Candidate(1, 0.9, 1 * factor), Candidate(2, 0.5, 9 * factor), Candidate(3, 0.1, 8 * factor))
        for factor in (1.0, 100.0)
    )

    assert [score for score, _ in scaled] == pytest.approx([score for score, _ in found])
    assert _order(found) == _order(scaled) == [2, 1, 3]


@pytest.mark.parametrize(("vector_weight", "order"), [(0.8, [1, 2]), (0.2, [2, 1])])
def test_the_weight_of_meaning_decides_between_the_two(vector_weight: float, order: list[int]) -> None:
    group = EmbedderCandidates([Candidate(1, 0.9, 1.0), Candidate(2, 0.1, 9.0)])

    assert _order(fuse_embedders([group], vector_weight)) == order


def test_fusion_breaks_a_tie_by_likeness_to_the_best_candidate() -> None:
    query = np.array([1, 0, 0], np.float32)
    like = np.array([0.5, 0.8660254, 0], np.float32).tobytes()
    unlike = np.array([0.5, -0.8660254, 0], np.float32).tobytes()
    best = np.array([0.8, 0.6, 0], np.float32).tobytes()
    rows = [Candidate(1, 0.5, 1.0), Candidate(2, 0.5, 1.0), Candidate(3, 0.8, 9.0)]

    assert _order(_fuse(*rows, query=query, vectors={1: unlike, 2: like, 3: best})) == [3, 2, 1]
    assert _order(_fuse(*rows, query=query, vectors={1: like, 2: unlike, 3: best})) == [3, 1, 2]
    assert _order(_fuse(*rows)) == [3, 1, 2]
    assert _fuse(
        *rows, query=query, vectors=np.stack([np.frombuffer(row, np.float32) for row in (like, unlike, best)])
    ) == (_fuse(*rows, query=query, vectors={1: like, 2: unlike, 3: best}))


def test_a_vector_that_is_missing_or_of_another_embedder_moves_nothing() -> None:
    query = np.array([1, 0], np.float32)
    rows = [Candidate(1, 0.9, 3.0), Candidate(2, 0.5, 1.0)]

    found = _fuse(*rows, query=query, vectors={1: np.ones(5, np.float32).tobytes()})

    assert _order(found) == [1, 2]
    assert all(np.isfinite(score) for score, _ in found)
