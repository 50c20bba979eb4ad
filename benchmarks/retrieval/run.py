"""Quality of search: BM25, vectors and plain rank fusion over whole texts beside the product's own search.

Also: the share of the gold characters of a text within the first 1,000 tokens, and whether relevance separates
questions without an answer. Vectors are cached in the system's temporary folder.
"""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from benchmarks.lib import baselines as plain
from benchmarks.lib import site
from benchmarks.lib.datasets import DataSet, embed_cached, read_named_set
from benchmarks.lib.metrics import interval, ndcg, recall
from benchmarks.retrieval.worker import CHUNKS
from training.relevance.calibration import print_auc

SETS = ("cranfield", "cacm", "anthropic_docs_rag", "xquad", "xquad_de", "xquad_es")
RANKINGS = ("bm25", "vectors", "fusion", "ours")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument(
        "--sets", nargs="+", default=SETS, metavar="SET",
        help="folders under the data sets' folder; SET_LANGUAGE for a file of one in the form of SQuAD",
    )  # fmt: skip

    parser.add_argument(
        "--mixed", nargs="*", default=("cacm",), metavar="SET",
        help="of the sets, those also searched with every other text read by an embedder of another scale (cacm)",
    )  # fmt: skip


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return nDCG@10 and recall by set and ranking, and the numbers on chunks and abstention. Raise CommandError for a
    missing set."""
    data, names = options["data"], list(options["sets"])
    try:
        sets = [read_named_set(data, name) for name in names]
    except FileNotFoundError as error:
        raise CommandError(f"{error} Name others with --sets.") from error
    mixed = [name for name in options["mixed"] if name in names]
    found = _run_worker(data, [*names, *(["--mixed", *mixed] if mixed else [])])
    numbers: dict[str, float] = {}
    for name, texts in zip(names, sets, strict=True):
        numbers |= _compare_rankings(name, texts, found["sets"][name])
        if name in mixed:
            pairs = [(ranking, texts.relevant[question]) for question, ranking in found["mixed"][name].items()]
            what = f"{name}: nDCG@10, ours, every other text read by a second embedder"
            numbers[f"ndcg10.{name}.mixed"] = _print_mean(what, [ndcg(*pair) for pair in pairs])
    if "chunks" in found:
        recalled, precise = found["chunks"]["recall"], found["chunks"]["precision"]
        numbers["chunk_recall_1000"] = _print_mean(f"{CHUNKS}: gold characters in 1,000 tokens", recalled)
        numbers["chunk_precision_1000"] = _print_mean(f"{CHUNKS}: of the returned characters gold", precise)
    if "abstain" in found:
        numbers |= _measure_abstention(found["abstain"])
    return numbers


def _run_worker(data: Path, names: Sequence[str]) -> dict[str, Any]:
    """Return the rankings of the product's search, made in a data directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": "", "DEBUG": "1"}
        found: dict[str, Any] = site.run_module("benchmarks.retrieval.worker", data, *names, env=env)
    return found


def _compare_rankings(name: str, data: DataSet, ours: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return nDCG@10 and recall of every ranking over the judged questions of one set."""
    judged = list(ours)
    words = plain.BM25Index([plain.get_indexed_text(text) for text in data.texts])
    vectors = embed_cached([plain.get_indexed_text(text) for text in data.texts])
    queries = embed_cached([data.questions[question] for question in judged])
    rows: dict[str, list[Sequence[str]]] = {way: [] for way in RANKINGS}
    for question, query in zip(judged, queries, strict=True):
        for way, places in plain.compute_rankings(words, vectors, data.questions[question], query).items():
            rows[way].append([data.texts[place].id for place in places])
        rows["ours"].append(ours[question])
    numbers: dict[str, float] = {}
    for way in RANKINGS:
        pairs = [(ranking, data.relevant[q]) for q, ranking in zip(judged, rows[way], strict=True)]
        numbers[f"ndcg10.{name}.{way}"] = _print_mean(f"{name}: nDCG@10, {way}", [ndcg(*pair) for pair in pairs])
        for depth in (10, 100):
            values = [recall(*pair, depth) for pair in pairs]
            numbers[f"recall{depth}.{name}.{way}"] = sum(values) / len(values)
    return numbers


def _measure_abstention(rows: Sequence[tuple[bool, float, float]]) -> dict[str, float]:
    """Return the areas under ROC of a question's best relevance, and of its best cosine."""
    numbers = {}
    for name, at in (("abstain_auc", 1), ("abstain_auc_cosine", 2)):
        numbers[name] = print_auc(name, [row[at] for row in rows if row[0]], [row[at] for row in rows if not row[0]])
    return numbers


def _print_mean(label: str, values: Sequence[float]) -> float:
    """Print the mean with its interval and return it."""
    mean, (low, high) = sum(values) / len(values), interval(values)
    print(f"{label}: {mean:.4f}, 95 % between {low:.4f} and {high:.4f}, over {len(values)} questions")
    return mean
