"""What a ranking is worth, and what the plain ways to search find."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.lib.baselines import BM25Index, fuse_rankings, get_indexed_text, rank_by_cosine
from benchmarks.lib.datasets import DatasetText
from benchmarks.lib.metrics import interval, ndcg, recall


def test_ndcg_rewards_early_places_and_high_grades() -> None:
    assert ndcg(["a", "b"], {"a": 1}) == 1.0
    assert ndcg(["b", "a"], {"a": 1}) == pytest.approx(1 / np.log2(3))
    assert ndcg(["b"], {"a": 1}) == 0.0
    assert ndcg(["a", "b"], {"a": 1, "b": 3}) < ndcg(["b", "a"], {"a": 1, "b": 3}) == 1.0


def test_recall_counts_what_stands_high_enough() -> None:
    assert recall(["a", "x", "b"], {"a": 1, "b": 1}, 2) == 0.5
    assert recall(["a", "x", "b"], {"a": 1, "b": 1}, 3) == 1.0


def test_the_interval_holds_the_mean_and_narrows_with_more_questions() -> None:
    few, many = interval([0.0, 1.0] * 10), interval([0.0, 1.0] * 1_000)

    assert few[0] < many[0] < 0.5 < many[1] < few[1]
    assert interval([1.0] * 5) == (1.0, 1.0)


def test_words_find_by_stems_and_leave_out_what_holds_none() -> None:
    texts = [
        DatasetText("1", "Foxes", "hunt mice"),
        DatasetText("2", "", "whales sing"),
        DatasetText("3", "", "a fox, a fox"),
    ]
    words = BM25Index([get_indexed_text(text) for text in texts])

    assert sorted(words.ranking("the fox")) == [0, 2]
    assert words.ranking("hunting foxes")[0] == 0
    assert words.ranking("zebra") == []


def test_meaning_is_the_order_of_cosines() -> None:
    assert rank_by_cosine(np.eye(3, dtype=np.float32), np.array([0.1, 0.9, 0.5], np.float32)) == [1, 2, 0]


def test_rank_fusion_prefers_what_both_find() -> None:
    assert fuse_rankings([1, 2, 3], [2, 4])[0] == 2
