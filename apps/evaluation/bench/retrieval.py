"""How well search ranks: words alone, meaning alone, and the product's fusion, as nDCG@10 over judged questions."""

from __future__ import annotations

import math
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from apps.documents.candidates import fused
from apps.engines.base import Candidate
from apps.engines.index.local.engine import LocalIndex
from apps.evaluation.library import DataSet, Library, embedded, read

SETS = ("xquad", "cranfield", "cacm", "anthropic_docs_rag")
DEPTH = 10


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--sets", nargs="+", default=SETS, metavar="SET", help="folders under the data sets' folder")


def run(options: dict[str, Any]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name in options["sets"]:
        with tempfile.TemporaryDirectory() as folder:
            numbers |= measure(read(options["data"] / name), folder)
    return numbers


def measure(data: DataSet, folder: str) -> dict[str, float]:
    """Mean nDCG@10 of each way to rank, and what the fusion is to the better of the other two."""
    library = Library(data.texts, LocalIndex(folder))
    judged = [question for question in data.questions if question in data.relevant]
    vectors = embedded([data.questions[question] for question in judged])
    scores: dict[str, list[float]] = {"words": [], "meaning": [], "fused": []}
    for question, vector in zip(judged, vectors, strict=True):
        candidates = library.search(data.questions[question], vector).candidates
        for way, order in _orders(data.questions[question], candidates).items():
            ranking = list(dict.fromkeys(library.chunks[number][0].id for number in order))
            scores[way].append(ndcg(ranking, data.relevant[question]))
    means = {f"{data.name}_ndcg_{way}": sum(values) / len(values) for way, values in scores.items()}
    single = max(means[f"{data.name}_ndcg_words"], means[f"{data.name}_ndcg_meaning"])
    return means | {f"{data.name}_fused_over_best_single": means[f"{data.name}_ndcg_fused"] / single}


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Normalised discounted cumulative gain of the first DEPTH texts; grades are gains."""
    gain = sum(relevant.get(text, 0) / math.log2(place + 2) for place, text in enumerate(ranking[:DEPTH]))
    ideal = sum(grade / math.log2(place + 2) for place, grade in enumerate(sorted(relevant.values())[::-1][:DEPTH]))
    return gain / ideal


def _orders(question: str, candidates: Sequence[Candidate]) -> dict[str, list[int]]:
    by_words = sorted((c for c in candidates if c.bm25), key=lambda c: -c.bm25)
    by_meaning = sorted(candidates, key=lambda c: -c.cosine)
    return {
        "words": [candidate.chunk_id for candidate in by_words],
        "meaning": [candidate.chunk_id for candidate in by_meaning],
        "fused": [candidate.chunk_id for _, candidate in fused(question, candidates)],
    }
