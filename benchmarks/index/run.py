"""Speed and recall of the index, whole and by its parts, beside hnswlib, Chroma, LanceDB and SQLite's FTS5.

All get the same passages and questions in the same run, one after the other, each on one core. Vector search is
compared at ten results, hnswlib with the least effort that reaches the wanted recall. Full-text search is compared at
as many results as the product asks for, twice its candidates. `vector_recall_again` and the recall with filters are
those of the product, which rescores sixty candidates by their stored vectors. The recalls of the index alone are
reported beside them. Built indexes are kept in --cache, so that a further run only measures.

Before that, workers that write and merge an index are killed --kills times (200 take ten minutes). `torn`, `lost` and
`leaked` count the damage and should be 0. `--sizes` without a number runs only this part.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import CommandError

from apps.engines.index.scoring import get_lexical_depth
from apps.engines.types import CANDIDATES
from benchmarks.index import data as index_data
from benchmarks.index import peers
from benchmarks.index.data import Passages, compute_recall
from benchmarks.index.ours import ProductIndex

SIZES = (10_000, 100_000, 1_000_000)
COMPARED = 100_000  # passages at which the goals compare with other libraries
LIMIT, WORDS = 10, get_lexical_depth(CANDIDATES)
WANTED_RECALL = 0.99  # wanted recall@10


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument(
        "--sizes", nargs="*", type=int, default=SIZES, metavar="N",
        help="passages (10000 100000 1000000; the last takes 10 minutes and 4 GB of disk the first time)",
    )  # fmt: skip
    parser.add_argument(
        "--sets", nargs="+", metavar="SET",
        help="folders under the data sets' folder of whose texts the passages are made; otherwise all that are known",
    )  # fmt: skip
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="of workers in commit and merge (200)")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", default=Path(tempfile.gettempdir()) / "openbook-bench",
        help="where passages, indexes and the other libraries are kept between runs",
    )  # fmt: skip
    parser.add_argument(
        "--peers", nargs="*", choices=peers.PEERS, default=list(peers.PEERS), metavar="NAME",
        help=f"of {', '.join(peers.PEERS)}; a million passages take them an hour the first time",
    )  # fmt: skip
    parser.add_argument("--build-only", action="store_true", help="make passages and indexes, measure nothing")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return milliseconds, recalls and ratios by size (`…_1e5`), and the six numbers that have goals."""
    numbers: dict[str, float] = {}
    sizes = sorted(set(options["sizes"]))
    if options["kills"] > 0 and not options["build_only"]:
        numbers |= _run_crash_test(options["kills"])
    for size in sizes:
        passages = index_data.load_passages(options["data"], size, options["cache"], options["sets"] or ())
        before = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {max(before)})
            numbers |= _append_size(_measure(passages, options), size)
        finally:
            os.sched_setaffinity(0, before)
    return numbers | _select_goals(numbers, sizes)


def _run_crash_test(kills: int) -> dict[str, float]:
    """Run the crash test in a data directory of its own and return its counts."""
    with tempfile.TemporaryDirectory(prefix="bench-killed-") as folder:
        engines = {
            "INDEX_BACKEND": "local", "EMBED_BACKEND": "apps.engines.embed.fake.FakeEmbedder",
            "CLASSIFY_BACKEND": "apps.engines.classify.fake.FakeClassifier",
            "PLANTED_BACKEND": "apps.engines.classify.fake.FakeInjectionDetector",
            "TAGGER_BACKEND": "apps.engines.classify.fake.FakeTagger",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.index.kills", str(kills)],
            cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **engines, "DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": ""},
        )  # fmt: skip
    if done.returncode:
        raise CommandError("The workers could not be killed as meant; what was said stands above.")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    counts = ", ".join(f"{found[name]:.0f} {name}" for name in ("torn", "lost", "leaked"))
    print(f"{kills} kills in commit and merge: {counts}")
    return found


def _measure(passages: Passages, options: dict[str, Any]) -> dict[str, float]:
    product = ProductIndex(passages)
    if options["build_only"]:
        return {"build_s": product.build_s, "bytes_per_vector": product.bytes_per_vector}
    exact = passages.load_or_make("exact", partial(passages.search_exact, LIMIT))
    numbers = product.measure(exact, LIMIT, CANDIDATES)
    for name in options["peers"]:
        numbers |= _measure_peer(name, passages, exact, options["cache"])
    for leg, peer in (("vector", "hnswlib"), ("vector", "chroma"), ("vector", "lancedb"), ("lexical", "fts5")):
        if f"{peer}_p50_ms" in numbers:
            numbers[f"{leg}_over_{peer}"] = numbers[f"{leg}_p50_ms"] / numbers[f"{peer}_p50_ms"]
    return numbers


def _measure_peer(name: str, passages: Passages, exact: Any, cache: Path) -> dict[str, float]:
    python, why = peers.prepare_peer(cache, name)
    if why:
        print(f"{name} is left out: {why}")
        return {}
    limit = WORDS if name == "fts5" else LIMIT
    found = 0.0
    try:
        for effort in peers.list_efforts(name):
            answers = peers.ask_peer(python, name, passages.folder, limit, effort)
            found = compute_recall(answers.found, exact[: len(answers.found)])
            if name == "fts5" or found >= WANTED_RECALL:
                break
    except CalledProcessError as error:
        print(f"{name} is left out: {(error.stderr.strip().splitlines() or ['it failed'])[-1]}")
        return {}
    numbers = {
        f"{name}_p50_ms": float(np.percentile(answers.ms, 50)), f"{name}_p95_ms": float(np.percentile(answers.ms, 95)),
        f"{name}_first_ms": answers.first_s * 1000,
    }  # fmt: skip
    if name == "hnswlib":
        numbers["hnswlib_effort"] = effort
    return numbers if name == "fts5" else numbers | {f"{name}_recall": found}


def _append_size(numbers: dict[str, float], size: int) -> dict[str, float]:
    power = f"{size:.0e}".replace("e+0", "e")
    return {f"{name}_{power}": value for name, value in numbers.items()}


def _select_goals(numbers: dict[str, float], sizes: list[int]) -> dict[str, float]:
    """Return the six numbers that have goals, as far as this run measured them. Comparisons with other libraries are
    those at COMPARED, or at the largest size if that was not measured."""
    goals: dict[str, float] = {}
    for size in sorted(sizes, key=lambda size: (size == COMPARED, size)):
        for name in ("vector_over_hnswlib", "vector_over_chroma", "lexical_over_fts5"):
            if (value := _append_size({name: 0}, size).popitem()[0]) in numbers:
                goals[name] = numbers[value]
    for size in sizes:
        if (value := _append_size({"bytes_per_vector": 0}, size).popitem()[0]) in numbers:
            goals["bytes_per_vector"] = numbers[value]
    filtered = [value for name, value in numbers.items() if name.startswith("filtered_recall_")]
    if filtered:
        goals["filtered_recall_min"] = min(filtered)
    if "hybrid_p95_ms_1e6" in numbers:
        goals["hybrid_p95_ms_1e6"] = numbers["hybrid_p95_ms_1e6"]
    return goals
