"""Training of linear heads over vectors and n-grams: all labels in one optimisation, unknown labels masked, then
calibrated.

Deterministic: equal examples give equal heads, up to the floating-point differences of the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from apps.engines.classify.hashed_ngrams import BUCKETS, hash_ngrams
from apps.engines.classify.linear_classifier import LinearHeads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apps.engines.types import Vectors

_STRENGTH = 3.0  # weight of the loss of the examples against the L2 penalty
_STEPS = 200
FOLDS = 5


@dataclass(frozen=True, slots=True)
class LabelledExamples:
    """Training examples. `labels` is 1, 0, or NaN if unknown; `weight` is the weight of an example; `fold` is the fold
    that holds it out."""

    texts: Sequence[str]
    vectors: Vectors
    labels: NDArray[np.float32]  # (n, labels)
    weight: NDArray[np.float32]  # (n,)
    fold: NDArray[np.int64]  # (n,), 0 … FOLDS - 1


def train(labels: tuple[str, ...], examples: LabelledExamples) -> tuple[LinearHeads, NDArray[np.float32]]:
    """Return the calibrated heads, and for each example the probabilities, shape (n, labels), of heads that were
    trained without its fold."""
    words = build_ngram_matrix(examples.texts)
    held_out = np.zeros_like(examples.labels)
    for fold in range(FOLDS):
        excluded = examples.fold == fold
        meaning, ngrams, bias = _fit(words, examples, np.flatnonzero(~excluded))
        held_out[excluded] = examples.vectors[excluded] @ meaning.T + words[excluded] @ ngrams.T + bias
    slope, shift = _calibrate(held_out, examples)
    meaning, ngrams, bias = _fit(words, examples, np.arange(len(examples.texts)))
    half = np.float16  # precision of the stored weights
    heads = LinearHeads(
        labels,
        # Row-major in memory: safetensors writes an array's memory as it is.
        np.ascontiguousarray(meaning.astype(half).astype(np.float32)),
        np.ascontiguousarray(ngrams.astype(half).astype(np.float32)),
        bias.astype(np.float32),
        slope.astype(np.float32),
        shift.astype(np.float32),
    )
    return heads, heads.probabilities(held_out)


def build_ngram_matrix(texts: Sequence[str]) -> Any:
    """Return the n-grams as a sparse matrix of shape (texts, BUCKETS), float32."""
    ngrams = hash_ngrams(texts)
    values = np.repeat(ngrams.weights, np.diff(ngrams.starts))
    return sparse.csr_matrix((values, ngrams.buckets, ngrams.starts), shape=(len(texts), BUCKETS), dtype=np.float32)


def _weights(labels_by_example: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weight of each example for each label: both classes of a label weigh the same, unknown labels
    nothing."""
    weights = np.where(np.isnan(labels_by_example), 0, weight[:, None]).astype(np.float32)
    for label in range(labels_by_example.shape[1]):
        column = weights[:, label]
        total = column.sum()
        for side in (0, 1):
            on = labels_by_example[:, label] == side
            column[on] *= total / (2 * max(float(column[on].sum()), 1e-9))
    return weights


def _fit(words: Any, examples: LabelledExamples, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    vectors, ngrams = examples.vectors[rows].astype(np.float64), words[rows].astype(np.float64)
    transposed = ngrams.T.tocsr()
    weight = _weights(examples.labels[rows], examples.weight[rows]).astype(np.float64) * _STRENGTH
    expected = np.nan_to_num(examples.labels[rows]).astype(np.float64)
    dimension, labels = vectors.shape[1], expected.shape[1]
    edges = (dimension, dimension + BUCKETS)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        theta = flat.reshape(-1, labels)
        sums = vectors @ theta[: edges[0]] + ngrams @ theta[edges[0] : edges[1]] + theta[edges[1]]
        cost = weight * (np.logaddexp(0, sums) - expected * sums)
        error = weight * (1 / (1 + np.exp(-sums)) - expected)
        gradient = np.vstack([vectors.T @ error, transposed @ error, error.sum(axis=0)])
        penalty = theta.copy()
        penalty[edges[1]] = 0  # the bias is not penalised
        return float(cost.sum() + 0.5 * (penalty * penalty).sum()), (gradient + penalty).ravel()

    start = np.zeros((edges[1] + 1) * labels)
    result = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS, "maxcor": 8})
    theta = result.x.reshape(-1, labels)
    return theta[: edges[0]].T, theta[edges[0] : edges[1]].T, theta[edges[1]]


def _calibrate(
    sums: NDArray[np.float32], examples: LabelledExamples
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each label the slope and shift of Platt scaling, fitted on held-out sums."""
    slopes, shifts = [], []
    for label in range(sums.shape[1]):
        labelled = ~np.isnan(examples.labels[:, label])
        x, y = sums[labelled, label].astype(np.float64), examples.labels[labelled, label].astype(np.float64)
        weight = _weights(examples.labels[labelled][:, [label]], examples.weight[labelled])[:, 0].astype(np.float64)
        positive_weight, negative_weight = (weight * y).sum(), (weight * (1 - y)).sum()
        target = np.where(y == 1, (positive_weight + 1) / (positive_weight + 2), 1 / (negative_weight + 2))

        def loss(line: NDArray[np.float64], x: Any = x, target: Any = target, weight: Any = weight) -> float:
            sums = x * line[0] + line[1]
            return float((weight * (np.logaddexp(0, sums) - target * sums)).sum())

        slope, shift = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
        slopes.append(max(float(slope), 1e-3))
        shifts.append(float(shift))
    return np.array(slopes), np.array(shifts)


def fit_head(
    vectors: Vectors, words: Any, form: NDArray[np.float32], expected: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Fit one head over vectors, n-grams (see `build_ngram_matrix`) and form features. Return its four parts: weights
    of the vectors, of the n-grams, of the form, and the bias."""
    features = sparse.hstack([sparse.csr_matrix(vectors), words, sparse.csr_matrix(form)]).tocsr().astype(np.float64)
    transposed, sample_weight = features.T.tocsr(), weight.astype(np.float64) * _STRENGTH

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        sums = features @ theta[:-1] + theta[-1]
        off = sample_weight * (1 / (1 + np.exp(-sums)) - expected)
        penalty = theta.copy()
        penalty[-1] = 0  # the bias is not penalised
        cost = (sample_weight * (np.logaddexp(0, sums) - expected * sums)).sum() + 0.5 * (penalty * penalty).sum()
        return float(cost), np.append(transposed @ off, off.sum()) + penalty

    start = np.zeros(features.shape[1] + 1)
    theta = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    edges = (vectors.shape[1], vectors.shape[1] + BUCKETS)
    return theta[: edges[0]], theta[edges[0] : edges[1]], theta[edges[1] : -1], float(theta[-1])
