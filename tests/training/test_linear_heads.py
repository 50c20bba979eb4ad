"""Linear heads are trained from words alone, and equally twice."""

from __future__ import annotations

import numpy as np

from training import linear_heads


def test_training_learns_from_words_alone_and_twice_the_same() -> None:
    texts = [f"the {word} number {number}" for number in range(40) for word in ("apple", "hammer")]
    labels = np.array([[float("apple" in text)] for text in texts], np.float32)
    examples = linear_heads.LabelledExamples(
        texts, np.zeros((80, 4), np.float32), labels, np.ones(80, np.float32), np.arange(80) // 2 % linear_heads.FOLDS
    )
    heads, held_out = linear_heads.train(("apple",), examples)
    again, _ = linear_heads.train(("apple",), examples)
    assert np.array_equal(heads.words, again.words)
    assert heads.words.flags.c_contiguous  # it is stored as it lies in memory
    assert ((held_out[:, 0] > 0.5) == labels[:, 0].astype(bool)).all()
