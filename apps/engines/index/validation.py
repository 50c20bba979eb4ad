"""Validation of entries and query vectors, shared by all indexes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from apps.engines.types import EngineRefused, IndexEntry

if TYPE_CHECKING:
    from apps.engines.types import Part, Vectors

_UNIT_TOLERANCE = 1e-2  # bfloat16 encoders are within 4e-3 of length one; unnormalised vectors are far off
_INT64_MAX = 2**63 - 1


def validate_entries(entries: Sequence[IndexEntry], vectors: Vectors) -> Vectors:
    """Return the vectors as contiguous float32 rows, one per entry. Raise EngineRefused for values that would corrupt
    an index.

    One infinite vector would win every query; FAISS stores NaN and repeated ids without complaint.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if not entries:
        raise EngineRefused("There is nothing to index: the document has no passages.")
    if rows.ndim != 2 or rows.shape[0] != len(entries) or rows.shape[1] == 0:
        raise EngineRefused(f"{len(entries)} passages came with vectors of shape {rows.shape}.")
    if not np.isfinite(rows).all():
        raise EngineRefused("A vector holds a value that is not a finite number.")
    lengths = np.linalg.norm(rows, axis=1)
    if np.abs(lengths - 1).max() > _UNIT_TOLERANCE:
        raise EngineRefused("A vector is not of unit length.")
    ids = [entry.chunk_id for entry in entries]
    if len(set(ids)) != len(ids):
        raise EngineRefused("The same passage was given twice.")
    if min(ids) < 0 or max(ids) > _INT64_MAX:
        raise EngineRefused("A passage's number does not fit 64 bits.")
    return rows


def concatenate_parts(parts: Iterable[Part]) -> tuple[list[IndexEntry], Vectors]:
    """Return all parts as one, for an index in memory. Raise EngineRefused as `validate_entries` does, and for
    different dimensions."""
    entries: list[IndexEntry] = []
    vectors: list[Vectors] = []
    for part_entries, rows in parts:
        entries += part_entries
        vectors.append(validate_entries(part_entries, rows))
    if len({rows.shape[1] for rows in vectors}) > 1:
        raise EngineRefused("Vectors of different dimensions came for one index.")
    return entries, np.concatenate(vectors) if vectors else np.zeros((0, 0), np.float32)


def validate_query_vector(vector: Vectors, dimension: int) -> Vectors:
    """Return the question's vector as float32 of shape (1, dimension). Raise EngineRefused for another dimension or
    values that are not finite."""
    row = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
    if row.shape[1] != dimension:
        raise EngineRefused(
            f"The question's vector has {row.shape[1]} dimensions, the index {dimension}: it was made with another "
            "embedder. Rebuild it with `manage.py reindex`."
        )
    if not np.isfinite(row).all():
        raise EngineRefused("The question's vector holds a value that is not a finite number.")
    return row
