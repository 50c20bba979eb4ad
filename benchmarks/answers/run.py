"""Shares of questions whose gold answer is in the first quote, in any quote, and in the model's own text.

The first quote may be two joined sentences; their share, and the result for the best single sentence, are reported too.

Paragraphs of a data set in SQuAD format become one collection. Every question goes through the product's search and
quote selection, a sample also through its prompt to the model (`model_server.py`). An answer counts as right if it
contains a gold answer, both normalised as in SQuAD.
"""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from benchmarks.lib import site
from benchmarks.lib.metrics import interval
from benchmarks.lib.model_server import model_server

SHARES = (
    "gold_in_first_quote", "gold_in_best_sentence", "first_quotes_joined", "gold_in_quotes", "gold_in_model_text",
)  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument(
        "--set", default="xquad/xquad.en.json.gz", metavar="FILE", help="in the data sets' folder, form of SQuAD"
    )
    parser.add_argument("--questions", type=int, default=60, help="how many of them the model answers; 0: no model")
    parser.add_argument("--first", type=int, default=0, help="only so many questions in all; 0: every one")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return the shares by name, and print each with its 95 % interval."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        model = stack.enter_context(model_server()) if options["questions"] else {}
        env = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": "", "DEBUG": "1", **model}
        path = options["data"] / options["set"]
        found: dict[str, list[bool]] = site.run_module(
            "benchmarks.answers.worker", path, options["questions"], options["first"], env=env
        )
    numbers = {}
    for name in SHARES:
        if found[name]:
            numbers[name] = sum(found[name]) / len(found[name])
            low, high = interval(found[name])
            print(f"{name}: {sum(found[name])} of {len(found[name])}, 95 % between {low:.3f} and {high:.3f}")
    return numbers
