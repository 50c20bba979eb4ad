"""Writer of one segment's vectors, in a kind of index that fits their number.

    flat    to FLAT_AT_MOST      half-precision vectors, scanned: exact, nothing to tune
    graph   to GRAPH_AT_MOST     the same vectors with an HNSW graph over them
    lists   beyond               one-bit RaBitQ codes in inverted lists find candidates, which are scored again from
                                 vectors of eight bits per dimension

FAISS uses one thread, so that a merge never takes cores from a question.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from apps.engines.index.local import gpu_clustering
from apps.engines.types import EngineRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apps.engines.types import Vectors

VECTORS = "vectors.faiss"  # all vectors, for exact scores
LISTS = "lists.faiss"  # codes that find candidates, of the kind "lists"
IDS = "ids.npy"  # int64, chunk id at each position
DOCUMENTS = "documents.npy"  # documents of the segment, sorted, 32 bytes of hex each
CODES = "codes.npy"  # int32, index of each position's document in DOCUMENTS
_SPOOL = "rows.spool"

FLAT_AT_MOST = 50_000  # 2 ms per question
GRAPH_AT_MOST = 400_000  # beyond, 1,050 bytes and 0.6 ms of building per vector outweigh the faster search
_LINKS, _EFFORT = 32, 200  # of the graph: neighbours per node, candidates per insertion
_SAMPLE = 64  # training vectors per list
_ROUNDS = 10  # iterations of k-means
_SCALES = 65_536  # vectors from which the range of each dimension is taken
_BUFFER = 1024 * 1024  # bytes
_BATCH = 16_384  # vectors that are in memory as float32 at a time


def choose_index_kind(count: int) -> str:
    """Return the kind of vector index for `count` vectors: "flat", "graph" or "lists"."""
    if count <= FLAT_AT_MOST:
        return "flat"
    return "graph" if count <= GRAPH_AT_MOST else "lists"


def get_faiss_version() -> str:
    """Return the version of the library: its package may be faiss-cpu or faiss-gpu."""
    import faiss

    return str(faiss.__version__)


class VectorWriter:
    """Writer that takes entries in batches, spools them to disk, and writes the files at the end."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._kind = kind
        self._spool = (folder / _SPOOL).open("wb")
        self._ids: list[NDArray[np.int64]] = []
        self._documents: list[str] = []
        self.dimension = 0

    def add(self, ids: Sequence[int], documents: Sequence[str], rows: Vectors) -> None:
        """Add `rows`, shape (n, dimension), with their chunk ids and documents. Raise EngineRefused for another
        dimension than before."""
        if self.dimension not in (0, rows.shape[1]):
            raise EngineRefused(f"Vectors of {self.dimension} and of {rows.shape[1]} dimensions came for one index.")
        self.dimension = rows.shape[1]
        rows.astype(np.float16).tofile(self._spool)
        self._ids.append(np.asarray(ids, dtype=np.int64))
        self._documents.extend(documents)

    def finish(self) -> int:
        """Write the files and return the number of entries. Raise EngineRefused if there are none or an id repeats."""
        self._spool.close()
        ids = np.concatenate(self._ids) if self._ids else np.zeros(0, np.int64)
        if not len(ids):
            raise EngineRefused("There is nothing to index: the documents have no passages.")
        if len(np.unique(ids)) != len(ids):
            raise EngineRefused("The same passage was given twice.")
        known, codes = np.unique(np.asarray(self._documents, dtype="S32"), return_inverse=True)
        for name, values in ((IDS, ids), (DOCUMENTS, known), (CODES, codes.astype(np.int32))):
            np.save(self._folder / name, values, allow_pickle=False)
        spool = self._folder / _SPOOL
        rows = np.memmap(spool, dtype=np.float16, mode="r", shape=(len(ids), self.dimension))
        _make(self._folder, rows, self._kind)
        del rows
        spool.unlink()
        return len(ids)


def _make(folder: Path, rows: NDArray[np.float16], kind: str) -> None:
    import faiss

    library: Any = faiss
    library.omp_set_num_threads(1)
    dimension = rows.shape[1]
    metric, quantizer = library.METRIC_INNER_PRODUCT, library.ScalarQuantizer
    if kind == "flat":
        exact = library.IndexScalarQuantizer(dimension, quantizer.QT_fp16, metric)
        _write(folder / VECTORS, exact, rows, _SCALES)
    elif kind == "graph":
        graph = library.IndexHNSWSQ(dimension, quantizer.QT_fp16, _LINKS, metric)
        graph.hnsw.efConstruction = _EFFORT
        _write(folder / VECTORS, graph, rows, _SCALES)
    elif kind == "lists":
        exact = library.IndexScalarQuantizer(dimension, quantizer.QT_8bit, metric)
        _write(folder / VECTORS, exact, rows, _SCALES)
        number = _lists_for(len(rows))
        lists = InvertedLists(library, dimension, number)
        _write(folder / LISTS, lists.index, rows, number * _SAMPLE, lists.train)
    else:
        raise ValueError(f"Unknown kind of vector index: {kind}")


def _lists_for(count: int) -> int:
    """Return the number of lists: a power of two near four times the square root, at least 39 vectors per list."""
    return max(1, min(1 << round(math.log2(4 * count**0.5)), count // 39))


class InvertedLists:
    """Empty inverted lists. Vectors are rotated at random first, so that all dimensions carry similar information for
    one-bit codes. FAISS holds pointers to the parts, so they must live as long as this object."""

    def __init__(self, library: Any, dimension: int, number: int) -> None:
        self._library = library
        metric = library.METRIC_INNER_PRODUCT
        self._centres = library.IndexFlatIP(dimension)
        self._lists = library.IndexIVFRaBitQFastScan(self._centres, dimension, number, metric)
        rounds = self._lists.cp
        rounds.niter, rounds.max_points_per_centroid, rounds.spherical = _ROUNDS, _SAMPLE, True
        self._rotation = library.RandomRotationMatrix(dimension, dimension)
        self.index = library.IndexPreTransform(self._rotation, self._lists)

    def train(self, sample: Vectors) -> None:
        """Train the centroids with `sample`, shape (n, dimension)."""
        gpu_clustering.train_lists(self._library, self.index, self._lists, sample)


def _write(
    path: Path, index: Any, rows: NDArray[np.float16], sample: int, train: Callable[[Vectors], None] | None = None
) -> None:
    import faiss

    library: Any = faiss
    chosen = np.sort(np.random.default_rng(1).choice(len(rows), min(len(rows), sample), replace=False))
    (train or index.train)(np.ascontiguousarray(rows[chosen], dtype=np.float32))
    for start in range(0, len(rows), _BATCH):
        index.add(np.ascontiguousarray(rows[start : start + _BATCH], dtype=np.float32))
    # Not by file name: FAISS closes a file without checking whether its last bytes were written.
    with path.open("wb", buffering=_BUFFER) as file:
        library.write_index(index, library.PyCallbackIOWriter(file.write, _BUFFER))
