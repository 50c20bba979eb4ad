"""Vector search in one segment: exact, or by an approximate structure, whichever finds the allowed vectors.

Approximate structures are built for searches without a filter. With one vector in a thousand allowed, an HNSW graph
found 5 % of the right answers. So few allowed vectors are compared exactly. Many are searched by the structure with
more effort, and exactly if that returns too few.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.engines.index.local.vector_writer import LISTS, VECTORS

if TYPE_CHECKING:
    from apps.engines.index.local.position_filter import PositionFilter
    from apps.engines.types import Vectors

_EXACT_AT_MOST = 30_000  # allowed vectors: about 1 ms
_EXACT_SHARE = 0.1  # of the segment; below, the structure visits mostly disallowed vectors
_GRAPH_EFFORT = 64  # efSearch of the graph
# Inverted lists that a search reads; four times as many if half of all vectors are allowed: those are farther out.
_LISTS_READ = 256
_SCORED_AGAIN, _SCORED_LEAST = 8, 320  # candidates by code per wanted hit, and the minimum

Hits = list[tuple[int, float]]  # (position, cosine), best first


class VectorReader:
    """Reader of a segment's vectors. Memory-mapped and never changed, so any number of threads may search it: FAISS
    crashes on concurrent additions."""

    def __init__(self, folder: Path) -> None:
        import faiss

        self._faiss: Any = faiss
        index: Any = faiss.read_index(str(folder / VECTORS), faiss.IO_FLAG_MMAP_IFC)
        self._graph: Any = index if isinstance(index, faiss.IndexHNSW) else None
        self._exact: Any = faiss.downcast_index(index.storage) if self._graph is not None else index
        self._lists: Any = None
        if (folder / LISTS).exists():
            self._codes = faiss.read_index(str(folder / LISTS))
            self._lists = faiss.IndexRefine(self._codes, self._exact)
        self.count = int(index.ntotal)
        self.dimension = int(index.d)

    def search(self, row: Vectors, limit: int, allowed: PositionFilter | None = None) -> Hits:
        """Return the nearest allowed positions with their cosines, at most `limit`. `row` has shape (1, dimension)."""
        self._faiss.omp_set_num_threads(1)  # for the calling thread: a question takes no cores of others
        limit = min(limit, self.count if allowed is None else allowed.count)
        if not limit:
            return []
        if (self._graph is None and self._lists is None) or (allowed is not None and _is_small(allowed)):
            return self._search_exactly(row, limit, allowed)
        found = self._search_index(row, limit, allowed)
        return found if len(found) == limit else self._search_exactly(row, limit, allowed)

    def cosines(self, row: Vectors, positions: list[int]) -> list[float]:
        """Return the cosines of these positions with `row`, shape (1, dimension), in order."""
        return (self.rows(positions) @ row[0]).tolist() if positions else []

    def rows(self, positions: Sequence[int]) -> Vectors:
        """Return the vectors at these positions as stored, shape (positions, dimension)."""
        found: Vectors = self._exact.reconstruct_batch(np.asarray(positions, dtype=np.int64))
        return found

    def _search_exactly(self, row: Vectors, limit: int, allowed: PositionFilter | None) -> Hits:
        if allowed is None:
            return _hits(self._exact.search(row, limit))
        selector = allowed.selector()
        return _hits(self._exact.search(row, limit, params=self._faiss.SearchParameters(sel=selector)))

    def _search_index(self, row: Vectors, limit: int, allowed: PositionFilter | None) -> Hits:
        selector = allowed.selector() if allowed is not None else None
        factor = 1 / allowed.share if allowed is not None else 1.0
        if self._graph is not None:
            effort = max(_GRAPH_EFFORT, limit) if allowed is None else int(max(_GRAPH_EFFORT, 2 * limit) * factor)
            walk = self._faiss.SearchParametersHNSW(efSearch=effort, sel=selector)
            return _hits(self._graph.search(row, limit, params=walk))
        lists = self._faiss.IVFSearchParameters(nprobe=int(_LISTS_READ * min(factor**2, 8)), sel=selector)
        again = max(_SCORED_AGAIN, _SCORED_LEAST / limit)
        refine = self._faiss.IndexRefineSearchParameters(k_factor=again, base_index_params=lists)
        return _hits(self._lists.search(row, limit, params=refine))


def _is_small(allowed: PositionFilter) -> bool:
    return allowed.count <= _EXACT_AT_MOST or allowed.share <= _EXACT_SHARE


def _hits(result: tuple[Any, Any]) -> Hits:
    cosines, positions = result
    return [(p, c) for p, c in zip(positions[0].tolist(), cosines[0].tolist(), strict=True) if p >= 0]
