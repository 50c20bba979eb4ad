"""The vectors of one segment: a FAISS index that is written once and then only searched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from apps.engines.base import Vectors

_VECTORS = "vectors.faiss"
_IDS = "ids.npy"


def kind_for(count: int) -> str:
    """The kind of index by size. Exact search of half-precision vectors: 0.05 ms a thousand, nothing to tune, no recall
    to lose; it keeps cosines to four digits."""
    return "flat"


def write(folder: Path, ids: list[int], rows: Vectors, kind: str) -> None:
    import faiss

    if kind != "flat":
        raise ValueError(f"Unknown kind of vector index: {kind}")
    index = faiss.IndexScalarQuantizer(rows.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add(rows)
    faiss.write_index(index, str(folder / _VECTORS))
    np.save(folder / _IDS, np.asarray(ids, dtype=np.int64), allow_pickle=False)


class VectorReader:
    """Memory-mapped and never changed, so that any number of threads may search it: FAISS crashes where one adds."""

    def __init__(self, folder: Path) -> None:
        import faiss

        self._faiss = faiss
        self._index: Any = faiss.read_index(str(folder / _VECTORS), faiss.IO_FLAG_MMAP_IFC)
        self.ids: NDArray[np.int64] = np.load(folder / _IDS, mmap_mode="r", allow_pickle=False)
        self.count = int(self._index.ntotal)
        self.dimension = int(self._index.d)

    def search(self, row: Vectors, limit: int) -> list[tuple[int, float]]:
        """Positions with their cosines, best first. `row` has shape (1, dimension)."""
        self._faiss.omp_set_num_threads(1)  # holds for the calling thread: a question never takes the cores of others
        cosines, positions = self._index.search(row, min(limit, self.count))
        return [(int(p), float(c)) for p, c in zip(positions[0], cosines[0], strict=True) if p >= 0]

    def cosines(self, row: Vectors, positions: list[int]) -> list[float]:
        """The cosines of exactly these positions."""
        if not positions:
            return []
        found = self._index.reconstruct_batch(np.asarray(positions, dtype=np.int64)) @ row[0]
        return [float(cosine) for cosine in found]
