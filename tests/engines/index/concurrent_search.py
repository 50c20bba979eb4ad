"""Concurrency check of the index: eight threads search while ten thousand entries are added and a thousand dropped.

    python -m tests.engines.index.concurrent_search SECONDS

Prints JSON. The writes are spread over SECONDS; with 0 they are as fast as possible, beside searches that pause. Every
result must come from one consistent generation: the best entry of each segment that was live when the search began, and
of no other.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

from apps.engines.index.local.engine import LocalIndex
from apps.engines.types import IndexQuery, SegmentInfo
from tests.engines.index.sample_entries import entries, units

SIZE = 250  # entries of a segment
ADDED, DROPPED, READERS = 10_000, 1_000, 8
BEST = 7  # the best entry of each segment
REST_S = 0.01  # seconds of a reader between two searches: eight busy readers leave the writer a fifth of its time


def race(folder: Path, seconds: float = 0) -> dict[str, float]:
    """Return the counts `added`, `dropped`, `searches` and `wrong`, and the `seconds` taken."""
    return _Race(folder, seconds).run()


class _Race:
    def __init__(self, folder: Path, seconds: float) -> None:
        self.index = LocalIndex(str(folder), open_at_most=60)
        self.seconds = seconds
        self.vectors = units(SIZE)
        self.live = [self._written(0)]
        self.dropped = 0
        self.done = threading.Event()
        self.reading: dict[int, list[SegmentInfo]] = {}
        self.searches = [0] * READERS
        self.wrong: list[object] = []

    def run(self) -> dict[str, float]:
        began = time.monotonic()
        threads = [threading.Thread(target=self._read, args=(number,)) for number in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            self._write(began)
        finally:
            self.done.set()
            for thread in threads:
                thread.join()
        return {
            "added": (len(self.live) - 1) * SIZE + self.dropped, "dropped": self.dropped,
            "searches": sum(self.searches), "idle": self.searches.count(0), "wrong": len(self.wrong),
            "seconds": round(time.monotonic() - began, 1),
        }  # fmt: skip

    def _written(self, number: int) -> SegmentInfo:
        return self.index.write(uuid4().hex, entries(["red fox"] * SIZE, first=number * SIZE), self.vectors, "tests")

    def _read(self, reader: int) -> None:
        try:
            self._search(reader)  # once at least, however late the thread starts
            while not self.done.is_set():
                self._search(reader)
                time.sleep(0 if self.seconds else REST_S)
        except Exception as error:  # noqa: BLE001 - in a thread it would be lost
            self.wrong.append(repr(error))
        finally:
            self.reading[reader] = []

    def _search(self, reader: int) -> None:
        self.reading[reader] = seen = self.live
        found = self.index.search(seen, IndexQuery("fox", self.vectors[BEST], limit=len(seen))).candidates
        best = {one.chunk_id for one in found if one.cosine > 0.999}
        self.reading[reader] = []
        self.searches[reader] += 1
        if len(best) != len(seen) or any(chunk % SIZE != BEST for chunk in best):
            self.wrong.append((len(seen), sorted(best)))

    def _write(self, began: float) -> None:
        rounds = ADDED // SIZE
        every = rounds // (DROPPED // SIZE)
        for number in range(1, rounds + 1):
            self.live = [*self.live, self._written(number)]
            if number % every == 0:
                self._drop()
            time.sleep(max(0.0, began + self.seconds * number / rounds - time.monotonic()))

    def _drop(self) -> None:
        """Drop a segment as the product does: once no search uses it."""
        old, self.live = self.live[1], [self.live[0], *self.live[2:]]
        while any(old in seen for seen in list(self.reading.values())):
            time.sleep(0.01)
        self.index.drop([old])
        self.index.sweep(self.live, older_than_s=0)
        self.dropped += SIZE


if __name__ == "__main__":
    django.setup()
    with TemporaryDirectory() as place:
        print(json.dumps(race(Path(place), float(sys.argv[1]))))
