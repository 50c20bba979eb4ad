"""Measurement of one other library on the same passages, in a process of its own: `peer.py NAME FOLDER LIMIT`.

Imports nothing of the product. Builds once and keeps the index in FOLDER, asks every question, and prints one line of
JSON. The line holds milliseconds of each question, seconds to build and to the first answer, and the positions found.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Ask = Callable[[int], list[int]]

FOLDER = Path(sys.argv[2])
LIMIT = int(sys.argv[3])
QUESTIONS: list[str] = json.loads((FOLDER / "questions.json").read_text())
ASKED = np.load(FOLDER / "asked.npy")
_BATCH = 5000


def vectors() -> Any:
    """Return the memory-mapped vectors."""
    return np.load(FOLDER / "vectors.npy", mmap_mode="r")


def hnswlib(place: Path) -> tuple[Callable[[], None], Callable[[], Ask]]:
    """Return functions that build and open an HNSW graph of hnswlib."""
    import hnswlib

    def build() -> None:
        rows = vectors()
        graph = hnswlib.Index("ip", rows.shape[1])
        graph.init_index(len(rows), M=16, ef_construction=100)
        for start in range(0, len(rows), _BATCH):
            graph.add_items(
                rows[start : start + _BATCH].astype(np.float32), np.arange(start, min(start + _BATCH, len(rows)))
            )
        graph.save_index(str(place))

    def start() -> Ask:
        graph = hnswlib.Index("ip", ASKED.shape[1])
        graph.load_index(str(place))
        graph.set_num_threads(1)
        graph.set_ef(int(os.environ.get("EF", "64")))
        return lambda number: graph.knn_query(ASKED[number], LIMIT)[0][0].tolist()

    return build, start


def chroma(place: Path) -> tuple[Callable[[], None], Callable[[], Ask]]:
    """Return functions that build and open a collection of Chroma."""
    import chromadb

    def client() -> Any:
        return chromadb.PersistentClient(str(place), chromadb.Settings(anonymized_telemetry=False))

    def build() -> None:
        rows = vectors()
        shelf = client().create_collection("passages", metadata={"hnsw:space": "ip"}, embedding_function=None)
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH].astype(np.float32)
            shelf.add([str(start + n) for n in range(len(part))], embeddings=part)

    def start() -> Ask:
        shelf = client().get_collection("passages", embedding_function=None)
        return lambda n: [int(i) for i in shelf.query(query_embeddings=ASKED[n], n_results=LIMIT, include=[])["ids"][0]]

    return build, start


def lancedb(place: Path) -> tuple[Callable[[], None], Callable[[], Ask]]:
    """Return functions that build and open a table of LanceDB."""
    import lancedb
    import pyarrow

    def build() -> None:
        rows = vectors()
        values = pyarrow.array(np.asarray(rows, np.float32).reshape(-1))
        table = {
            "number": np.arange(len(rows)),
            "vector": pyarrow.FixedSizeListArray.from_arrays(values, rows.shape[1]),
        }
        lancedb.connect(str(place)).create_table("passages", pyarrow.table(table))

    def start() -> Ask:
        table = lancedb.connect(str(place)).open_table("passages")

        def ask(number: int) -> list[int]:
            asked = table.search(ASKED[number]).distance_type("dot").select(["number"]).limit(LIMIT)
            return [int(n) for n in asked.to_arrow()["number"].to_pylist()]

        return ask

    return build, start


def fts5(place: Path) -> tuple[Callable[[], None], Callable[[], Ask]]:
    """Return functions that build and open a full-text table of SQLite."""

    def build() -> None:
        with sqlite3.connect(place) as base, (FOLDER / "texts.txt").open(encoding="utf-8") as lines:
            base.execute("CREATE VIRTUAL TABLE passages USING fts5(text, content='', tokenize='porter unicode61')")
            rows = ((number, line) for number, line in enumerate(lines))
            base.executemany("INSERT INTO passages(rowid, text) VALUES (?, ?)", rows)

    def start() -> Ask:
        base = sqlite3.connect(place)

        def ask(number: int) -> list[int]:
            words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", QUESTIONS[number]))
            query = "SELECT rowid FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ?"
            return [row[0] for row in base.execute(query, (words, LIMIT))]

        return ask

    return build, start


def main(name: str) -> None:
    """Build the library's index if needed, ask all questions and print the result."""
    began = time.perf_counter()
    place = FOLDER / f"{name}.peer"
    build, start = {"hnswlib": hnswlib, "chroma": chroma, "lancedb": lancedb, "fts5": fts5}[name](place)
    built = 0.0
    if not (FOLDER / f"{name}.built").exists():
        build()
        built = time.perf_counter() - began
        (FOLDER / f"{name}.built").write_text(str(built))
    began = time.perf_counter()
    ask = start()
    ask(0)
    first = time.perf_counter() - began
    count = min(len(QUESTIONS), int(os.environ.get("AT_MOST", "1000")))
    for number in range(min(30, count)):
        ask(number)
    took, found = [], []
    for number in range(count):
        began = time.perf_counter()
        found.append(ask(number))
        took.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"ms": took, "found": found, "build_s": built, "first_s": first}))


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    main(sys.argv[1])
