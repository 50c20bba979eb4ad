"""Metrics of binary classification. `truth` is boolean; higher `scores` mean true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    """Return the average precision as in scikit-learn; equal scores are one step."""
    precision, recall = _curve(truth, scores)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def best_f1(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    """Return the highest F1 over all thresholds."""
    precision, recall = _curve(truth, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def f1(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """Return F1 of the positive class."""
    right = float(np.sum(truth & said))
    return 2 * right / max(1.0, float(truth.sum() + said.sum()))


def macro_f1(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """Return the mean F1 of both classes."""
    return (f1(truth, said) + f1(~truth, ~said)) / 2


def _curve(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(truth[order])
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # last index of each run of equal scores
    return right[last] / (last + 1), right[last] / max(1, int(right[-1]))
