"""Trustworthiness of answers: what passes as supported, what is quoted, what is found; and the trial.

The figures, each with its count under NAME.n, are described in `docs/develop/trust.md`. Parts: `pills` (true, edited
and perturbed sentences of open sets), `claims` (sentences of models and people, judged by people), `wice` (real claims
with the page they cite) and `reading` (which quotes hold the answer, of questions with their paragraphs). `search`
measures quotes, silence and typing errors, `trial` asks questions over real documents, on the packaged models. Without
the trial a run takes minutes.
"""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.lib import site

PARTS = ("pills", "claims", "wice", "reading", "search", "trial")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what is measured; all by default")
    parser.add_argument("--sentences", type=int, default=200, help="how many of each kind are put to the check (200)")
    parser.add_argument("--questions", type=int, default=200, help="how many of each set are searched (200)")
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="print N sentences of each kind that went wrong"
    )
    parser.add_argument("--no-model", action="store_true", help="the trial without a chat model: quotes only")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return the figures of the chosen parts."""
    parts: Mapping[str, Callable[[], dict[str, float]]] = {
        "pills": lambda: _pills().measure_pills(options["data"], options["sentences"], options["show"]),
        "claims": lambda: _claims().measure_claims(options["data"], options["show"]),
        "wice": lambda: _pills().measure_wice(options["data"]),
        "reading": lambda: import_module("benchmarks.trust.reading").measure_reading(
            options["data"], options["questions"]
        ),
        "search": lambda: _measure_search(options["data"], options["questions"]),
        "trial": lambda: _measure_trial(options["data"], not options["no_model"]),
    }
    numbers: dict[str, float] = {}
    for part in options["parts"]:
        numbers |= parts[part]()
    return numbers


def _pills() -> Any:
    return import_module("benchmarks.trust.pills")  # not before Django is set up


def _claims() -> Any:
    return import_module("benchmarks.trust.judged_claims")


def _measure_search(data: Path, questions: int) -> dict[str, float]:
    """Return what `benchmarks.trust.searching` finds, in a data directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": "", "DEBUG": "1"}
        numbers: dict[str, float] = site.run_module("benchmarks.trust.searching", data, questions, env=env)
    return numbers


def _measure_trial(data: Path, with_model: bool) -> dict[str, float]:
    numbers: dict[str, float] = import_module("benchmarks.trust.trial").measure_trial(data, with_model=with_model)
    return numbers
