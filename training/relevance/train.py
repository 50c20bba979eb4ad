"""Calibration of the constants in `documents/retrieval/relevance.py`, printed with their quality: `./run train
relevance`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.documents.retrieval import relevance
from apps.documents.settings import RELEVANCE_THRESHOLD
from apps.engines.index.local.engine import LocalIndex
from benchmarks.command import DATA
from benchmarks.lib.datasets import IndexedTexts, read_data_set
from training.relevance.calibration import (
    DEPTH,
    DEPTH_ELSEWHERE,
    ExampleGroup,
    RelevanceExample,
    build_examples,
    compute_auc,
    cross_validate,
    fit_constants,
    score_questions,
)

CALIBRATE = ("clapnq", "pubmedqa")
TEST = "xquad"
ELSEWHERE = "cacm"  # texts unrelated to the test questions


def main(arguments: Sequence[str]) -> None:
    """Fit the relevance of passages to judged questions, and print the constants and how well they separate."""
    parser = argparse.ArgumentParser(prog="./run train relevance", description=main.__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", default=DATA, help="folder of the data sets")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        calibrate(options.data, LocalIndex(folder))


def calibrate(data: Path, index: LocalIndex) -> None:
    """Fit the constants and print them with their quality."""
    sets = {name: read_data_set(data / name) for name in (*CALIBRATE, TEST, ELSEWHERE)}
    libraries = {name: IndexedTexts(texts.texts, index) for name, texts in sets.items()}
    one, two = CALIBRATE
    groups = {
        name: ExampleGroup(tuple(build_examples(sets[name], libraries[name], DEPTH, is_judged=True)), 1.0)
        for name in CALIBRATE
    }
    for asked, searched in ((one, two), (two, one)):
        found = build_examples(sets[asked], libraries[searched], DEPTH_ELSEWHERE, is_judged=False)
        groups[f"{asked} asked of {searched}"] = ExampleGroup(tuple(found), 0.5)
    constants = fit_constants(groups.values())
    names = ("BIAS", "COSINE", "COVERED", "COVERED_IN_TEXT")
    print(", ".join(names) + " = " + ", ".join(f"{value:.2f}" for value in constants))
    _print_separation(groups, sets[one].relevant.keys())
    for name in (TEST, ELSEWHERE):
        found = build_examples(sets[TEST], libraries[name], DEPTH, is_judged=name == TEST)
        _print_silence(f"questions of {TEST} asked of {name}", found)


def _print_separation(groups: dict[str, ExampleGroup], answerable: Any) -> None:
    """Print how well questions with an answer are separated from those whose nearest passage misses it."""
    scores = cross_validate(groups, CALIBRATE[0])
    cosines: dict[str, float] = {}
    for example in groups[CALIBRATE[0]].examples:
        cosines[example.question] = max(cosines.get(example.question, -1.0), example.features[0])
    for name, values in (("relevance, cross-validated", scores), ("cosine alone", cosines)):
        yes = [value for question, value in values.items() if question in answerable]
        no = [value for question, value in values.items() if question not in answerable]
        print(f"area under ROC on {CALIBRATE[0]}, {name}: {compute_auc(yes, no):.3f}")


def _print_silence(label: str, examples: list[RelevanceExample]) -> None:
    """Print how often the committed constants report that nothing was found."""
    constants = np.array([relevance.BIAS, relevance.COSINE, relevance.COVERED, relevance.COVERED_IN_TEXT])
    scores = np.array(list(score_questions(examples, constants).values()))
    print(f"{label}: nothing found in {np.mean(scores < RELEVANCE_THRESHOLD):.3f}")
