"""Share of the marked evidence that is in the prompt, by token budget of the passages and data set."""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from benchmarks.budget.evidence import READERS
from benchmarks.lib import site
from benchmarks.lib.metrics import interval

BUDGETS = (700, 1_500, 3_000, 6_000)  # tokens


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--sets", nargs="+", default=tuple(READERS), choices=tuple(READERS), metavar="SET")
    parser.add_argument("--questions", type=int, default=60, help="questions of each set (60)")
    parser.add_argument("--texts", type=int, default=40, help="texts of each set, at most (40)")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS, metavar="TOKENS")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return the mean share of evidence and the mean tokens by set and budget. Raise CommandError for a missing set."""
    data, names, budgets = options["data"], list(options["sets"]), list(options["budgets"])
    if missing := [name for name in names if not (data / name).is_dir()]:
        raise CommandError(f"There is no data set {missing[0]} in {data}. Name others with --sets.")
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": "", "DEBUG": "1"}
        found = site.run_module(
            "benchmarks.budget.worker", data, options["texts"], options["questions"], ",".join(map(str, budgets)),
            *names, env=env,
        )  # fmt: skip
    numbers: dict[str, float] = {}
    for name in names:
        for budget in budgets:
            row = found[name][str(budget)]
            mean, (low, high) = _mean(row["shares"]), interval(row["shares"])
            print(f"{name}, {budget}: {mean:.3f}, 95 % between {low:.3f} and {high:.3f}")
            numbers[f"evidence.{name}.{budget}"] = mean
            numbers[f"tokens.{name}.{budget}"] = _mean(row["tokens"])
            numbers[f"ms.{name}.{budget}"] = _mean(row["ms"])
    return numbers


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
