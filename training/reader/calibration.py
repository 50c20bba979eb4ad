"""Fit the constants of `grounding/quote_limits.py` to the open sets' dev part, and print them with their quality.

Half of the questions are fitted to, the other half is measured: whether the likeliest sentence answers, and whether the
chance of the likeliest one tells questions with an answer from those without.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.grounding import quote_limits, quote_selection
from benchmarks.trust.reading import LANGUAGES, holds_answer, rank_paragraphs
from training.reader.examples import read_rows
from training.relevance.calibration import compute_auc

SEED = 5
NAMES = tuple(quote_limits.WEIGHTS)
FITTED = ("passage", "sentence", "words", "relevance")  # the others hold by rule


@dataclass(frozen=True, slots=True)
class RatedQuestion:
    """The features of all sentences of a question's passages, shape (n, len(NAMES)), and which of them answer."""

    kind: str
    language: str
    features: NDArray[np.float64]
    answers: NDArray[np.bool_]


def rate_questions(rows: Sequence[Mapping[str, Any]]) -> list[RatedQuestion]:
    """Return the features of each question's sentences. Questions whose answer no sentence holds are left out."""
    found = []
    for row in rows:
        options = quote_selection.QuoteSelection(row["question"], rank_paragraphs(row), {}).read_all()
        own = row["paragraphs"][0]
        answers = np.array([
            one.passage.full_text == own and holds_answer(quote_selection.quote_alone(one), row) for one in options
        ]) & (row["kind"] != "none")  # fmt: skip
        if options and (answers.any() or row["kind"] == "none"):
            features = np.array([[one.features[name] for name in NAMES] for one in options])
            found.append(RatedQuestion(row["kind"], row["language"], features, answers))
    return found


def fit_weights(questions: Sequence[RatedQuestion], names: Sequence[str] = FITTED) -> tuple[float, dict[str, float]]:
    """Return bias and weights, scaled so that the chance of a question's likeliest sentence is that of being right.

    Each question weighs the same, however many sentences its passages have.
    """
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    columns = [NAMES.index(name) for name in names]
    x = np.concatenate([one.features[:, columns] for one in questions])
    y = np.concatenate([one.answers for one in questions])
    weight = np.concatenate([np.full(len(one.answers), 1 / len(one.answers)) for one in questions])
    model = LogisticRegression(C=10.0, max_iter=2000).fit(x, y, sample_weight=weight * len(y) / weight.sum())
    odds = [model.intercept_[0] + one.features[:, columns] @ model.coef_[0] for one in questions]
    best = np.array([[one.max()] for one in odds])
    right = [bool(one.answers[each.argmax()]) for one, each in zip(questions, odds, strict=True)]
    scale = LogisticRegression(C=100.0).fit(best, right)
    factor = float(scale.coef_[0, 0])
    bias = float(scale.intercept_[0]) + factor * float(model.intercept_[0])
    return bias, dict(zip(names, (factor * model.coef_[0]).tolist(), strict=True))


def measure(questions: Sequence[RatedQuestion], bias: float, weights: Mapping[str, float]) -> dict[str, float]:
    """Return how often the likeliest sentence answers, by kind, and the area under ROC of its chance for questions with
    and without an answer."""
    best: dict[bool, list[float]] = {True: [], False: []}
    right: dict[str, list[float]] = {}
    for one in questions:
        odds = bias + one.features @ np.array([weights.get(name, 0.0) for name in NAMES])
        best[one.kind != "none"].append(float(odds.max()))
        if one.kind != "none":
            for name in ("all", one.kind, one.language):
                right.setdefault(name, []).append(float(one.answers[odds.argmax()]))
    figures = {f"first.{name}": sum(values) / len(values) for name, values in sorted(right.items())}
    figures["answered_auc"] = compute_auc(best[True], best[False])
    for share in (0.93, 0.97):
        least = float(np.quantile(best[True], 1 - share))
        figures[f"quoted_in_vain_at_{share}"] = float(np.mean(np.array(best[False]) >= least))
        figures[f"chance_at_{share}"] = 1 / (1 + float(np.exp(-least)))
    return figures


def main(arguments: Sequence[str]) -> None:
    """Fit to half of the dev part, and print the constants and their quality on the other half."""
    parser = argparse.ArgumentParser(prog="./run train reader_calibration", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/reader"), help="folder of the open sets")
    parser.add_argument("--questions", type=int, default=1600)
    options = parser.parse_args(arguments)
    rows = [row for row in read_rows(options.data / "open_dev.jsonl.gz") if row["language"] in LANGUAGES]
    random.Random(SEED).shuffle(rows)
    questions = rate_questions(rows[: options.questions])
    fitted, held_out = questions[::2], questions[1::2]
    for left_out in ("", *FITTED):
        names = [name for name in FITTED if name != left_out]
        bias, weights = fit_weights(fitted, names)
        print(f"without {left_out}:" if left_out else f"BIAS = {bias:.3f}, WEIGHTS =", end=" ")
        print({} if left_out else {name: round(value, 3) for name, value in weights.items()}, end=" ")
        print({name: round(value, 3) for name, value in measure(held_out, bias, weights).items()}, flush=True)
