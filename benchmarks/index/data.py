"""Passages, vectors and questions of the index benchmark, in any number, made once and kept.

Questions and the first passages are real: windows over the texts of retrieval data sets, embedded by the packaged
model. Further passages join the sentences of two real ones; their vector lies between those of both, with noise. So
terms have the frequencies of prose, vectors the distribution of an encoder's, and a million take only minutes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.management.base import CommandError
from numpy.typing import NDArray

from apps.engines import registry
from apps.engines.types import IndexEntry
from apps.lib.text.sentences import find_sentences
from benchmarks.lib.datasets import embed_cached, read_data_set

if TYPE_CHECKING:
    from apps.engines.types import Part, Vectors

_SETS = ("anthropic_docs_rag", "cacm", "clapnq", "cranfield", "pubmedqa", "xquad")
_WINDOW = 2  # sentences
_REAL = 16_000  # passages that are embedded; 3 minutes of one core
_QUESTIONS = 400
_PARENT_WEIGHT, _NOISE = 0.65, 0.35  # weight of the first parent in a vector; length of the added noise
_PART = 4096
_IN_A_DOCUMENT = 50


@dataclass(frozen=True, slots=True)
class Passages:
    """Passages with `vectors`, memory-mapped unit vectors in half precision; text n is line n of `texts`."""

    vectors: NDArray[np.float16]
    texts: Path
    questions: tuple[str, ...]
    question_vectors: Vectors  # vectors of the questions
    folder: Path  # folder of these files, and of indexes built from them

    @property
    def count(self) -> int:
        """Number of passages."""
        return len(self.vectors)

    def parts(self, size: int = _PART) -> Iterator[tuple[list[str], Vectors]]:
        """Yield texts with their vectors as float32, `size` at a time."""
        with self.texts.open(encoding="utf-8") as lines:
            for start in range(0, self.count, size):
                rows = np.asarray(self.vectors[start : start + size], dtype=np.float32)
                yield [line.rstrip("\n") for line in islice(lines, len(rows))], rows

    def entries(self) -> Iterator[Part]:
        """Yield the passages as index entries; the chunk id is the position, fifty make a document."""
        number = 0
        for texts, rows in self.parts():
            yield (
                [IndexEntry(number + n, text, document=get_document_id(number + n)) for n, text in enumerate(texts)],
                rows,
            )
            number += len(texts)

    def _read_parts(self) -> Iterator[tuple[list[str], Vectors]]:
        """Yield texts with their vectors as float32, _PART at a time."""
        with self.texts.open(encoding="utf-8") as lines:
            for start in range(0, self.count, _PART):
                rows = np.asarray(self.vectors[start : start + _PART], dtype=np.float32)
                yield [line.rstrip("\n") for line in islice(lines, len(rows))], rows

    def search_exact(self, limit: int, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Return the positions of the nearest passages of each question by exact search, shape (questions, limit): the
        truth for recall. `allowed` restricts the passages."""
        scores = np.zeros((len(self.question_vectors), 0), np.float32)
        numbers = np.zeros((len(self.question_vectors), 0), np.int64)
        for start in range(0, self.count, 65_536):
            number = np.arange(start, min(start + 65_536, self.count))
            if allowed is not None:
                number = number[allowed[number]]
            if not len(number):
                continue
            there = self.question_vectors @ np.asarray(self.vectors[number], dtype=np.float32).T
            scores = np.hstack([scores, there])
            numbers = np.hstack([numbers, np.tile(number, (len(self.question_vectors), 1))])
            best = np.argpartition(-scores, min(limit, scores.shape[1] - 1), axis=1)[:, :limit]
            scores, numbers = np.take_along_axis(scores, best, 1), np.take_along_axis(numbers, best, 1)
        return numbers

    def load_or_make(self, name: str, make: Callable[[], NDArray[np.int64]]) -> NDArray[np.int64]:
        """Return the result of `make`, computed once and stored under `name`."""
        path = self.folder / f"{name}.npy"
        if not path.exists():
            np.save(path, make(), allow_pickle=False)
        found: NDArray[np.int64] = np.load(path, allow_pickle=False)
        return found


def compute_recall(found: Sequence[Sequence[int]], exact: NDArray[np.int64]) -> float:
    """Return the share of the nearest passages that were found."""
    hits = [len(set(some) & set(row.tolist())) for some, row in zip(found, exact, strict=True)]
    return sum(hits) / exact.size


def get_document_id(number: int) -> str:
    """Return the document of a passage: UUID hex."""
    return f"{number // _IN_A_DOCUMENT:032x}"


def load_passages(data: Path, count: int, cache: Path, names: Sequence[str] = ()) -> Passages:
    """Return the passages from `cache`, or make them from the retrieval sets `names` in `data` and keep them there."""
    chosen = choose_sets(data, names)
    key = hashlib.sha256("\0".join([registry.get_embedder().fingerprint, str(data.resolve()), *chosen]).encode())
    folder = cache / f"index-{count}-{key.hexdigest()[:8]}"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        real, questions = _read_real(data, chosen)
        np.save(folder / "asked.npy", embed_cached(questions), allow_pickle=False)
        (folder / "questions.json").write_text(json.dumps(questions))
        _write_passages(folder, real, embed_cached(real), count)
        (folder / "done").touch()
    vectors, asked = (
        np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("vectors", "asked")
    )
    return Passages(
        vectors, folder / "texts.txt", tuple(json.loads((folder / "questions.json").read_text())), asked, folder
    )


def choose_sets(data: Path, names: Sequence[str] = ()) -> list[str]:
    """Return the names of the retrieval sets to use; without `names` the usual ones, or all present ones if none of
    those is. Raise CommandError for missing sets."""
    present = sorted(path.parent.name for path in data.glob("*/corpus.jsonl"))
    if absent := [name for name in names if name not in present]:
        raise CommandError(f"There is no retrieval set {', '.join(absent)} in {data}; there are {', '.join(present)}.")
    if names:
        return list(dict.fromkeys(names))
    found = [name for name in present if name in _SETS] or present
    if not found:
        raise CommandError(f"There is no retrieval set in {data}: a folder with corpus.jsonl and queries.jsonl.")
    return found


def _read_real(data: Path, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return windows over the sets' texts, and questions, drawn at random over all sets."""
    windows: list[list[str]] = []
    questions: list[list[str]] = []
    for name in names:
        chosen = read_data_set(data / name)
        windows.append([window for text in chosen.texts for window in _windows(text.text)])
        questions.append(list(chosen.questions.values()))
    rng = np.random.default_rng(5)
    return _sample(windows, _REAL, rng), _sample(questions, _QUESTIONS, rng)


def _windows(text: str) -> list[str]:
    sentences = [" ".join(text[start:end].split()) for start, end in find_sentences(text)]
    return [" ".join(sentences[n : n + _WINDOW]) for n in range(0, len(sentences), _WINDOW)]


def _sample(groups: Sequence[list[str]], count: int, rng: np.random.Generator) -> list[str]:
    texts = [text for group in groups for text in group if text.strip()]
    distinct = list(dict.fromkeys(texts))
    return [distinct[n] for n in rng.permutation(len(distinct))[:count]]


def _write_passages(folder: Path, real: Sequence[str], vectors: Vectors, count: int) -> None:
    open_memmap: Any = np.lib.format.open_memmap
    stored = open_memmap(folder / "vectors.npy", mode="w+", dtype=np.float16, shape=(count, vectors.shape[1]))
    rng = np.random.default_rng(7)
    with (folder / "texts.txt").open("w", encoding="utf-8") as lines:
        for start in range(0, count, _PART):
            number = np.arange(start, min(start + _PART, count))
            one, other = rng.integers(len(real), size=(2, len(number)))
            rows = _PARENT_WEIGHT * vectors[one] + (1 - _PARENT_WEIGHT) * vectors[other]
            noise = rng.standard_normal(rows.shape).astype(np.float32)
            rows += _NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
            first = number < len(real)
            rows[first] = vectors[number[first]]
            stored[start : start + len(number)] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
            for n, a, b in zip(number.tolist(), one.tolist(), other.tolist(), strict=True):
                lines.write((real[n] if n < len(real) else f"{real[a]} {real[b]}") + "\n")
    stored.flush()
