"""Filter of the positions in a segment that a search may return."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.engines.index.local.vector_writer import CODES, DOCUMENTS, IDS
from apps.engines.types import IndexQuery


class PositionFilter:
    """Allowed positions of one segment: `count` of them, a `share` of all."""

    def __init__(self, mask: NDArray[np.bool_], documents: NDArray[np.bytes_] | None) -> None:
        self.mask = mask
        self.count = int(np.count_nonzero(mask))
        self.share = self.count / len(mask)
        self.documents = documents  # the segment's documents that are wanted; None: all
        self._bits: NDArray[np.uint8] | None = None

    def selector(self) -> Any:
        """Return the filter as a FAISS selector."""
        import faiss

        library: Any = faiss
        if self._bits is None:
            self._bits = np.packbits(self.mask, bitorder="little")
        return library.IDSelectorBitmap(self._bits)


class FilterRequest:
    """Restrictions of a query, prepared once for all segments."""

    def __init__(self, query: IndexQuery) -> None:
        self.documents = None if query.documents is None else np.asarray(sorted(query.documents), dtype="S32")
        self.excluded_chunks = np.fromiter(query.excluded_chunks, np.int64, len(query.excluded_chunks))
        self.allows_all = self.documents is None and not len(self.excluded_chunks)


class SegmentIds:
    """Chunk and document ids of one segment, memory-mapped."""

    def __init__(self, folder: Path) -> None:
        self.ids: NDArray[np.int64] = np.load(folder / IDS, mmap_mode="r", allow_pickle=False)
        self._documents: NDArray[np.bytes_] = np.load(folder / DOCUMENTS, mmap_mode="r", allow_pickle=False)
        self._codes: NDArray[np.int32] = np.load(folder / CODES, mmap_mode="r", allow_pickle=False)
        ascending = bool(np.all(self.ids[1:] > self.ids[:-1]))
        self._order: NDArray[np.intp] | None = None if ascending else np.argsort(self.ids)

    def filter_positions(self, filters: FilterRequest) -> PositionFilter | None:
        """Return the positions that the query allows; None if it allows all."""
        hidden = self._positions(filters.excluded_chunks)
        if filters.documents is None:
            if not len(hidden):
                return None
            mask = np.ones(len(self.ids), np.bool_)
            documents = None
        else:
            is_allowed = np.isin(self._documents, filters.documents, assume_unique=True)
            mask = is_allowed[self._codes]
            documents = self._documents[is_allowed]
        mask[hidden] = False
        return PositionFilter(mask, documents)

    def _positions(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the positions of these chunks; chunks of other segments are ignored."""
        if not len(ids):
            return np.zeros(0, np.intp)
        positions = np.searchsorted(self.ids, ids, sorter=self._order)
        positions = positions[positions < len(self.ids)]
        if self._order is not None:
            positions = self._order[positions]
        return positions[np.isin(self.ids[positions], ids)]
