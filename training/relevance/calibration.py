"""Fit of the constants of `documents/retrieval/relevance.py` to questions with and without an answer in a
collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from apps.documents.retrieval.passages import collect_terms
from apps.documents.retrieval.relevance import compute_coverage
from apps.documents.retrieval.score_fusion import EmbedderCandidates, fuse_embedders
from benchmarks.lib.datasets import DataSet, IndexedTexts, embed_cached

if TYPE_CHECKING:
    Numbers = NDArray[np.float64]

DEPTH = 5  # passages per question in the collection that answers it
DEPTH_ELSEWHERE = 3
_RIDGE = 0.01
_DRAWS = 2_000  # bootstrap samples


@dataclass(frozen=True, slots=True)
class RelevanceExample:
    """Passage found for a question: cosine, coverage with title, coverage of the text alone, and whether it answers."""

    question: str
    features: tuple[float, float, float]
    answers: bool


@dataclass(frozen=True, slots=True)
class ExampleGroup:
    """Examples of one origin. Each origin has its weight whatever its size, shared equally by positives and
    negatives."""

    examples: tuple[RelevanceExample, ...]
    weight: float


def build_examples(data_set: DataSet, library: IndexedTexts, depth: int, *, is_judged: bool) -> list[RelevanceExample]:
    """Return the best `depth` passages of each question. `is_judged`: the judgements are about this collection."""
    vectors = embed_cached(list(data_set.questions.values()))
    stored = {pk: np.asarray(row, np.float32).tobytes() for pk, row in library.vectors.items()}
    examples = []
    for (question, text), vector in zip(data_set.questions.items(), vectors, strict=True):
        result = library.search(text, vector)
        right = data_set.relevant.get(question, {}) if is_judged else {}
        for _, candidate in fuse_embedders([EmbedderCandidates(result.candidates, vector, stored)])[:depth]:
            source, draft = library.chunks[candidate.chunk_id]
            body = collect_terms(draft.text)
            whole = body | collect_terms(source.title, draft.heading)
            features = (candidate.cosine, compute_coverage(result.idf, whole), compute_coverage(result.idf, body))
            examples.append(RelevanceExample(question, features, source.id in right))
    return examples


def fit_constants(groups: Iterable[ExampleGroup]) -> Numbers:
    """Return bias and weights, shape (4,), of a ridge-regularised logistic regression."""
    rows, answers, weights = [], [], []
    for group in groups:
        yes = sum(example.answers for example in group.examples)
        for example in group.examples:
            rows.append(example.features)
            answers.append(float(example.answers))
            weights.append(group.weight / (yes if example.answers else len(group.examples) - yes))
    model = LogisticRegression(C=1 / _RIDGE).fit(rows, answers, np.array(weights) * 100)
    return np.array([*model.intercept_, *model.coef_[0]])


def score_questions(examples: Sequence[RelevanceExample], constants: Numbers) -> dict[str, float]:
    """Return for each question the relevance of its most relevant passage."""
    scores: dict[str, float] = {}
    for example in examples:
        score = float(1 / (1 + np.exp(-(constants[0] + np.dot(constants[1:], example.features)))))
        scores[example.question] = max(scores.get(example.question, 0.0), score)
    return scores


def cross_validate(groups: Mapping[str, ExampleGroup], name: str, folds: int = 5) -> dict[str, float]:
    """Return the best relevance of each question of one group, by constants fitted without that question."""
    scores: dict[str, float] = {}
    questions = sorted({example.question for example in groups[name].examples})
    for fold in range(folds):
        held_out = set(questions[fold::folds])
        training = tuple(e for e in groups[name].examples if e.question not in held_out)
        constants = fit_constants(
            [*(g for n, g in groups.items() if n != name), ExampleGroup(training, groups[name].weight)]
        )
        scores |= score_questions([e for e in groups[name].examples if e.question in held_out], constants)
    return scores


def compute_auc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Return the area under ROC: how often a value of `positives` is above one of `negatives`, ties
    counting half."""
    return float(roc_auc_score([1] * len(positives) + [0] * len(negatives), [*positives, *negatives]))


def compute_auc_interval(positives: Sequence[float], negatives: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the area, by bootstrap over both kinds. Deterministic."""
    more = np.asarray(positives)[:, None] - np.asarray(negatives)[None, :]
    above = ((more > 0) + 0.5 * (more == 0)).astype(np.float32)
    rng = np.random.default_rng(7)
    rows, columns = (rng.multinomial(n, np.full(n, 1 / n), _DRAWS).astype(np.float32) for n in above.shape)
    areas = ((rows @ above) * columns).sum(axis=1) / above.size
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)


def print_auc(name: str, positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Print the area with its interval and return it."""
    low, high = compute_auc_interval(positives, negatives)
    auc, counts = compute_auc(positives, negatives), f"{len(positives)} against {len(negatives)}"
    print(f"{name}: {auc:.4f}, 95 % between {low:.4f} and {high:.4f}, {counts}")
    return auc
