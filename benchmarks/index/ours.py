"""Measurements of the product's own index: whole, by its parts, with filters, and after a start."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from apps.engines.index.local import lexical_index, segment_files, vector_writer
from apps.engines.index.local.engine import LocalIndex
from apps.engines.index.local.lexical_index import LexicalReader
from apps.engines.index.local.vector_reader import VectorReader
from apps.engines.index.scoring import extract_query_terms, get_lexical_depth, weigh_terms
from apps.engines.types import IndexQuery, SegmentInfo
from benchmarks.index.data import compute_recall, get_document_id

if TYPE_CHECKING:
    from benchmarks.index.data import Passages

SHARES = (0.5, 0.1, 0.01, 0.001)
_COLLECTION = "0" * 32
_ROUNDS = 3
_FIRST_ANSWER = """
import json, sys, time
import numpy as np
began = time.perf_counter()
from apps.engines.types import IndexQuery, SegmentInfo
from apps.engines.index.local.engine import LocalIndex
asked = json.loads(sys.stdin.read())
index, segment = LocalIndex(asked["folder"]), SegmentInfo(**asked["segment"])
index.search([segment], IndexQuery(asked["text"], np.asarray(asked["vector"], np.float32)))
print((time.perf_counter() - began) * 1000)
"""


class ProductIndex:
    """Index of all passages in one segment, of the kind that their number chooses; built once and kept."""

    def __init__(self, passages: Passages) -> None:
        self.passages = passages
        self._folder = passages.folder / f"ours-{_version()}"
        self._index = LocalIndex(str(self._folder))
        facts_file = self._folder / "segment.json"
        if not facts_file.exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            began = time.perf_counter()
            info = self._index.build(_COLLECTION, passages.entries(), passages.count, "bench")
            facts_file.write_text(json.dumps(asdict(info) | {"build_s": time.perf_counter() - began}))
        facts = json.loads(facts_file.read_text())
        self.build_s = float(facts.pop("build_s"))
        self.segment = SegmentInfo(**facts)

    @property
    def bytes_per_vector(self) -> float:
        """Bytes per vector of all files that a vector search reads: ids, documents and all codes."""
        place = segment_files.get_segment_path(self._folder, _COLLECTION, self.segment.id)
        sizes = [path.stat().st_size for pattern in ("*.faiss", "*.npy") for path in place.glob(pattern)]
        return sum(sizes) / self.segment.count

    def measure(self, exact: NDArray[np.int64], limit: int, candidate_limit: int) -> dict[str, float]:
        """Return times in milliseconds and recalls. `exact` is the truth for `limit` results; `candidate_limit` is
        the number of candidates in hybrid searches."""
        segment_path = segment_files.get_segment_path(self._folder, _COLLECTION, self.segment.id)
        vectors, lexical = VectorReader(segment_path), LexicalReader(segment_path)
        question_vectors, questions = self.passages.question_vectors, self.passages.questions
        found: list[list[int]] = []

        def search_vectors(n: int) -> None:
            found.append([position for position, _ in vectors.search(question_vectors[n : n + 1], limit)])

        def search_words(n: int) -> None:
            terms = extract_query_terms(questions[n])
            local = lexical.frequencies(terms)
            lexical.search(weigh_terms(terms, local, lexical.count), local, get_lexical_depth(candidate_limit))

        def search_both(n: int) -> None:
            self._index.search([self.segment], IndexQuery(questions[n], question_vectors[n], candidate_limit))

        numbers: dict[str, float] = {"build_s": self.build_s, "bytes_per_vector": self.bytes_per_vector}
        for name, search in (("vector", search_vectors), ("lexical", search_words), ("hybrid", search_both)):
            milliseconds = _time_searches(search, len(questions))
            numbers |= {f"{name}_p50_ms": _percent(milliseconds, 50), f"{name}_p95_ms": _percent(milliseconds, 95)}
        numbers["vector_recall"] = compute_recall(found[-len(questions) :], exact)
        candidates = [
            [position for position, _ in vectors.search(row[None], candidate_limit)] for row in question_vectors
        ]
        rescored = [self._rescore(number, some, limit) for number, some in enumerate(candidates)]
        numbers["vector_recall_again"] = compute_recall(rescored, exact)
        return (
            numbers
            | self._measure_filtered(limit, candidate_limit)
            | {"first_answer_ms": self._measure_first_answer(), "deleted_found": self._count_deleted_hits()}
        )

    def _measure_filtered(self, limit: int, candidate_limit: int) -> dict[str, float]:
        """Measure recall with only some documents allowed: by the index's own codes, and like in the product, which
        rescores the candidates by their stored vectors."""
        numbers: dict[str, float] = {}
        count, rng = self.passages.count, np.random.default_rng(3)
        names = [get_document_id(number) for number in range(0, count, 50)]
        for share in SHARES:
            chosen = rng.choice(len(names), max(1, round(share * len(names))), replace=False)
            allowed = np.isin(np.arange(count) // 50, chosen)
            exact = self.passages.load_or_make(f"exact-{share}", partial(self.passages.search_exact, limit, allowed))
            documents = frozenset(names[n] for n in chosen.tolist())
            found: list[list[int]] = []

            def search(n: int, documents: frozenset[str] = documents, found: list[list[int]] = found) -> None:
                result = self._index.search(
                    [self.segment], IndexQuery("", self.passages.question_vectors[n], candidate_limit, documents)
                )
                found.append([c.chunk_id for c in sorted(result.candidates, key=attrgetter("cosine"), reverse=True)])

            milliseconds = _time_searches(search, min(200, len(exact)), rounds=1)
            found, exact = found[-len(milliseconds) :], exact[: len(milliseconds)]
            label = f"{share * 100:g}".replace(".", "_")
            numbers[f"filtered_codes_recall_{label}"] = compute_recall([some[:limit] for some in found], exact)
            numbers[f"filtered_recall_{label}"] = compute_recall(
                [self._rescore(*one, limit) for one in enumerate(found)], exact
            )
            numbers[f"filtered_p50_ms_{label}"] = _percent(milliseconds, 50)
        return numbers

    def _rescore(self, number: int, candidates: list[int], limit: int) -> list[int]:
        """Return the best candidates of one question by their full vectors."""
        rows = np.asarray(self.passages.vectors[candidates], dtype=np.float32)
        best = np.argsort(-(rows @ self.passages.question_vectors[number]))[:limit]
        return [candidates[place] for place in best]

    def _count_deleted_hits(self) -> float:
        """Return how many passages a search still finds right after their deletion; 0 is right."""
        still_found = 0
        for text, vector in list(zip(self.passages.questions, self.passages.question_vectors, strict=True))[:50]:
            query = IndexQuery(text, vector, 10)
            gone = frozenset(c.chunk_id for c in self._index.search([self.segment], query).candidates)
            after = self._index.search([self.segment], IndexQuery(text, vector, 10, excluded_chunks=gone)).candidates
            still_found += sum(candidate.chunk_id in gone for candidate in after)
        return float(still_found)

    def _measure_first_answer(self) -> float:
        """Return the milliseconds from a process start to its first answer: libraries, verification of the files,
        search."""
        asked: dict[str, Any] = {
            "folder": str(self._folder), "segment": asdict(self.segment), "text": self.passages.questions[0],
            "vector": self.passages.question_vectors[0].tolist(),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", _FIRST_ANSWER], input=json.dumps(asked), stdout=subprocess.PIPE, text=True,
            check=True, cwd=settings.BASE_DIR,
        )  # fmt: skip
        return float(done.stdout)


def _version() -> str:
    """Return a hash of the code that writes an index; a kept index is measured only if this code would write the
    same."""
    code = hashlib.sha256(str(segment_files.FORMAT).encode())
    for module in (vector_writer, lexical_index):
        code.update(Path(str(module.__file__)).read_bytes())
    return code.hexdigest()[:8]


def _time_searches(search: Callable[[int], None], count: int, rounds: int = _ROUNDS) -> list[float]:
    """Return the milliseconds of each question: the median of the rounds, after a warm-up."""
    milliseconds = np.zeros((rounds, count))
    for number in range(min(30, count)):
        search(number)
    for attempt in range(rounds):
        for number in range(count):
            began = time.perf_counter()
            search(number)
            milliseconds[attempt, number] = (time.perf_counter() - began) * 1000
    return [float(value) for value in np.median(milliseconds, axis=0)]


def _percent(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent))
